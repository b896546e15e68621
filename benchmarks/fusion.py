"""Several models, and several photographs of a person, put together: does it tell people apart better, and honestly?

Weights for every choice of models are fitted by linear logistic fusion on pairs of pictures as they are and made worse
(small, blurred, dark, turned, tilted), and each pair is judged by weights fitted on other people; a model that lowers
no cost on other people is not listened to. TAR at FAR 1e-3 and 1e-4 and Cllr stand beside those of the best single
model. Several photographs are put together with a discount for their correlation, beside the rule that the best one
counts. Every person, and every pair of people, has the same weight. A full run writes models/fusion.json: numbers only.
It never judges ages: LFW shows adults within ten years.
"""

import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from benchmarks import plots
from benchmarks.blend import Blend, Models, blend, describe
from benchmarks.frame import CannotMeasure, Options, Row, faces_folder, run_benchmark
from benchmarks.joint import Pairs
from benchmarks.judging import Figures, error_rates, judge
from benchmarks.pairs import read_people
from benchmarks.photos import KEPT, Trials, gather, try_photos
from benchmarks.templates import QUICK_BUDGET_S, shelf_argument
from benchmarks.views import View, compare, look
from facematch.bundle import default_models_dir

MODELS = ("opencv-zoo", "buffalo_sc", "edgeface-s")
FEWEST = 40  # people with several photographs
TABLES = ("LFW", "made worse")


def measure(options: Options, progress: Progress) -> list[Row]:
    """Look at the pictures with every model, fit, judge; a full run writes models/fusion.json and the plot."""
    pictures = read_people(options.pairs or faces_folder() / "lfw")
    budget_s = QUICK_BUDGET_S / (2 * len(options.bundle)) if options.quick else None
    views = look(options.bundle, pictures, shelf=options.shelf, progress=progress, budget_s=budget_s)
    people = np.unique(pictures.people[: min(len(view.clean.found) for view in views)], return_inverse=True)[1]
    counted = np.bincount(people)
    if (counted > KEPT).sum() < FEWEST:
        raise CannotMeasure(f"Too few people with more than {KEPT} pictures: at least {FEWEST} are needed.")
    tables = [compare(views, people, worse=worse) for worse in (False, True)]
    blends = blend(tables, people=len(counted), paired=int((counted > 1).sum()), progress=progress)
    whole = blends[tuple(range(len(views)))]
    trials = [try_photos(views, people, worse=worse).fused(whole.weights) for worse in (False, True)]
    correlation = halfway(max(one.correlation for one in trials))
    if not options.quick:
        content = describe(blends, views, tables[0], correlation=correlation)
        (options.output or default_models_dir() / "fusion.json").write_text(_compact(content), encoding="utf-8")
        _draw(blends, views, tables, options.results / "fusion-det.svg")
    return [
        *(row for place in range(len(TABLES)) for row in rows_of_models(blends, tables[place], place, views)),
        *(
            row
            for one, table in zip(trials, TABLES, strict=True)
            for row in rows_of_photos(one, table, correlation=correlation, limits=whole.limits)
        ),
        Row(measure="correlation of photographs, assumed", value=correlation, unit="share"),
        *(_not_found(view) for view in views),
    ]


def halfway(measured: float) -> float:
    """The correlation that is assumed: halfway from the one measured to full dependence.

    The photographs of LFW were taken on different days by different people; a family's are often of one afternoon.
    """
    return (1 + max(measured, 0.0)) / 2


def rows_of_models(blends: Mapping[Models, Blend], pairs: Pairs, place: int, views: Sequence[View]) -> Iterator[Row]:
    """Each choice of models beside the best single one in it, on one table."""
    names = [view.name for view in views]
    known: dict[Models, Figures] = {}
    for models, one in blends.items():
        known[models] = figures = judge(one.says[place], pairs, limits=one.limits)
        parts = [(names[part], known[(part,)]) for part in models]
        label = f"{TABLES[place]}: {' + '.join(names[part] for part in models)}"
        yield _beside(f"{label}, TAR at FAR 1e-3", figures.tar_3, [(name, part.tar_3) for name, part in parts])
        yield _beside(f"{label}, TAR at FAR 1e-4", figures.tar_4, [(name, part.tar_4) for name, part in parts])
        yield _beside(f"{label}, Cllr", figures.cllr, [(name, part.cllr) for name, part in parts], lower=True)


def rows_of_photos(trials: Trials, table: str, *, correlation: float, limits: tuple[float, float]) -> Iterator[Row]:
    """One to KEPT photographs of a person, put together and by the best one."""
    pairs = trials.pairs()
    for count in range(1, KEPT + 1):
        says = trials.says[0][:count]
        figures = [judge(one, pairs, limits=limits) for one in (gather(says, correlation), says.max(axis=0))]
        label = f"{table}: {count} photograph{'s' if count > 1 else ''} of a person"
        ours, best = figures
        yield _beside(f"{label}, TAR at FAR 1e-3", ours.tar_3, [("the best one counts", best.tar_3)])
        yield _beside(f"{label}, Cllr", ours.cllr, [("the best one counts", best.cllr)], lower=True)


def _beside(measure: str, value: float, peers: Sequence[tuple[str, float]], *, lower: bool = False) -> Row:
    """A figure, and as peer and target the best of the others; without one where it stands alone."""
    name, best = min(peers, key=lambda peer: peer[1] if lower else -peer[1])
    beside: dict[str, Any] = (
        {"peer": name, "peer_value": best, "target": best} if len(peers) > 1 or best != value else {}
    )
    if lower:
        return Row(measure=measure, value=value, unit="bit", better="lower", **beside)
    return Row(measure=measure, value=value, unit="share", limit=1.0, **beside)


def _not_found(view: View) -> Row:
    share = float(1 - view.worse.found.mean())
    return Row(measure=f"{view.name}: no face found in pictures made worse", value=share, unit="share", better="lower")


def _draw(blends: Mapping[Models, Blend], views: Sequence[View], tables: Sequence[Pairs], path: Path) -> None:
    shown = [one for models, one in blends.items() if len(models) in (1, len(views))]
    panels = {
        name: {
            " + ".join(views[part].name for part in one.models): error_rates(one.says[place], pairs) for one in shown
        }
        for place, (name, pairs) in enumerate(zip(TABLES, tables, strict=True))
    }
    plots.draw_dets(panels, path)


def _compact(content: object) -> str:
    """JSON with each curve on one line, so that a new fit is a short difference."""
    text = json.dumps(content, indent=1)
    return re.sub(r"\[[^\[\]{}]*\]", lambda curve: " ".join(curve[0].split()), text) + "\n"


def _arguments(parser: ArgumentParser) -> None:
    shelf_argument(parser)
    parser.add_argument("--bundle", nargs="+", default=list(MODELS), metavar="NAME", help="bundles to put together")
    parser.add_argument("--pairs", type=Path, metavar="FOLDER", help="person/picture (default: LIGHTHOUSE_FACES/lfw)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="instead of models/fusion.json")


if __name__ == "__main__":
    sys.exit(run_benchmark("fusion", measure, about=__doc__ or "", arguments=_arguments))
