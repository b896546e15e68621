"""Chooses how models are put together, and writes it down as facematch/fusion.py reads it. It never reads a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import Progress

from benchmarks import joint
from benchmarks.joint import Floats, Pairs, Weights
from benchmarks.judging import bounds, cost, stranger_curve
from benchmarks.views import View

Models = tuple[int, ...]  # places of the models, rising


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Weights of some models, and what they say of each table's pairs, each judged by weights of other people."""

    models: Models
    weights: Weights
    says: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A fit, what so many people support, and what it costs on each table within that (Cllr)."""

    fit: Fit
    limits: tuple[float, float]
    costs: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """One choice of models: what each counts, what so many people support, and what it says of each kind of pairs."""

    models: Models
    weights: Weights
    limits: tuple[float, float]
    says: tuple[Floats, ...]


def blend(tables: Sequence[Pairs], *, people: int, paired: int, progress: Progress) -> dict[Models, Blend]:
    """Every choice of models, fitted on the first table alone and on all, and judged by weights of other people.

    A choice takes over the cheapest fit of any part of its models, single ones among them, of those that cost no more
    on any table than its best single model there: whoever adds nothing is not listened to, and what helps with bad
    pictures must not harm with good ones. Where none is as good everywhere, it takes the cheapest of all.
    """
    count = len(tables[0].says)
    fits = [Fit((place,), (1.0,), tuple(table.says[place] for table in tables)) for place in range(count)]
    together = tables[0]
    for table in tables[1:]:
        together = together.joined(table)
    for models in progress.track(list(joint.subsets(count)), description="fitting weights"):
        fits += [_fit(models, seen, tables) for seen in (tables[0], together)]
    judged = [_judged(fit, tables, people=people, paired=paired) for fit in fits]
    return {models: _chosen(models, judged) for models in dict.fromkeys(fit.models for fit in fits)}


def _fit(models: Models, seen: Pairs, tables: Sequence[Pairs]) -> Fit:
    own = seen.of(models)
    by_cell = joint.cross_fitted(own)
    return Fit(models, joint.fit_weights(own), tuple(joint.held_out(table.of(models), by_cell) for table in tables))


def _judged(fit: Fit, tables: Sequence[Pairs], *, people: int, paired: int) -> Judged:
    limits = bounds(fit.says[0], tables[0], people=people, paired=paired)
    costs = tuple(cost(one.clip(*limits), table) for one, table in zip(fit.says, tables, strict=True))
    return Judged(fit, limits, tuple(round(one, 6) for one in costs))


def _chosen(models: Models, judged: Sequence[Judged]) -> Blend:
    parts = [one for one in judged if set(one.fit.models) <= set(models)]
    best = np.min([one.costs for one in parts if len(one.fit.models) == 1], axis=0)
    harmless = [one for one in parts if np.all(np.array(one.costs) <= best)]
    chosen = min(harmless or parts, key=lambda one: (sum(one.costs), len(one.fit.models)))
    known = dict(zip(chosen.fit.models, chosen.fit.weights, strict=True))
    return Blend(models, tuple(known.get(place, 0.0) for place in models), chosen.limits, chosen.fit.says)


def describe(blends: Mapping[Models, Blend], views: Sequence[View], clean: Pairs, *, correlation: float) -> object:
    """The content of models/fusion.json."""
    lowest = max(float(10 ** view.calibration.curves.log10_fmr.min()) for view in views)
    return {
        "photos": {"correlation": round(correlation, 3)},
        "models": [_entry(one, [views[place] for place in one.models], clean, lowest) for one in blends.values()],
    }


def _entry(one: Blend, views: Sequence[View], clean: Pairs, lowest: float) -> object:
    floor, cap = one.limits
    return {
        "bundles": [view.name for view in views],
        "contracts": [view.calibration.contract for view in views],
        "weights": {view.calibration.id: round(weight, 4) for view, weight in zip(views, one.weights, strict=True)},
        "limits": {"floor": floor, "cap": cap},
        "strangers": stranger_curve(one.says[0], clean, lowest=lowest),
    }
