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
class Blend:
    """One choice of models: what each counts, what so many people support, and what it says of each kind of pairs."""

    models: Models
    weights: Weights
    limits: tuple[float, float]
    says: tuple[Floats, ...]


def blend(tables: Sequence[Pairs], *, people: int, paired: int, progress: Progress) -> dict[Models, Blend]:
    """Every choice of models, fitted on all tables with equal weight and judged by weights of other people.

    A choice takes over the weights of the smaller one among its models, or of the single one, that costs less on people
    it was not fitted on: whoever adds nothing is not listened to, and no choice is worse than the best of its parts.
    """
    count = len(tables[0].says)
    fitted: dict[Models, tuple[Weights, tuple[Floats, ...]]] = {
        (place,): ((1.0,), tuple(table.says[place] for table in tables)) for place in range(count)
    }
    together = tables[0]
    for table in tables[1:]:
        together = together.joined(table)
    for models in progress.track(list(joint.subsets(count)), description="fitting weights"):
        seen = together.of(models)
        by_cell = joint.cross_fitted(seen)
        said = tuple(joint.held_out(table.of(models), by_cell) for table in tables)
        fitted[models] = joint.fit_weights(seen), said
    limits = {models: bounds(said[0], tables[0], people=people, paired=paired) for models, (_, said) in fitted.items()}
    costs = {models: _mean_cost(said, tables, limits[models]) for models, (_, said) in fitted.items()}
    return {models: _cheapest(models, fitted, limits, costs) for models in fitted}


def _cheapest(
    models: Models,
    fitted: Mapping[Models, tuple[Weights, tuple[Floats, ...]]],
    limits: Mapping[Models, tuple[float, float]],
    costs: Mapping[Models, float],
) -> Blend:
    """The weights of whichever part of these models costs least, none for the rest; of equal ones the smallest."""
    parts = [part for part in fitted if set(part) <= set(models)]
    best = min(parts, key=lambda part: (round(costs[part], 6), len(part)))
    weights, said = fitted[best]
    known = dict(zip(best, weights, strict=True))
    return Blend(models, tuple(known.get(place, 0.0) for place in models), limits[best], said)


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


def _mean_cost(said: Sequence[Floats], tables: Sequence[Pairs], limits: tuple[float, float]) -> float:
    return float(np.mean([cost(one.clip(*limits), table) for one, table in zip(said, tables, strict=True)]))
