"""Fits what a cosine is worth: a likelihood ratio with its interval, from pairs of pictures of known people.

Every person, and every pair of people, has the same weight. Four models compete by Cllr on people they were not fitted
on (ten folds of people); the best is fitted on everybody, its 95 % interval comes from resampling people, and it is
kept within what so many people can support. False match rates are counted, and beyond the data bounded by the rule of
three. A full run writes models/<bundle>/calibration.json: numbers only. It never judges pictures outside the range that
the data held. LFW holds adults, mostly Western public figures, photographed within about ten years, whom the weights
may have been trained on: fit again on pairs of your own.
"""

import json
import re
import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
from rich.progress import Progress

from benchmarks import plots
from benchmarks.fitting import FEWEST_PAIRED, Fit, fit
from benchmarks.frame import CannotMeasure, Options, Row, faces_folder, run_benchmark
from benchmarks.histograms import GRID, Comparisons
from benchmarks.pairs import Pictures, read_people
from benchmarks.ratios import exceeding
from benchmarks.templates import QUICK_BUDGET_S, Embedded, bundle_arguments, embed, open_bundle
from facematch.bundle import default_models_dir

KEPT_EVERY = 10  # of GRID's cosines: a hundredth
SMALLEST_SHARE = 0.01  # of the pictures lie below the eye distance from which on a picture counts as seen


def compare(pictures: Pictures, embedded: Embedded) -> Comparisons:
    """All pairs of the pictures in which a face was found; CannotMeasure where too few people have several."""
    shown = [person for person, found in zip(pictures.people, embedded.found, strict=False) if found]
    comparisons = Comparisons(embedded.templates[embedded.found], np.unique(shown, return_inverse=True)[1])
    if comparisons.paired < FEWEST_PAIRED:
        raise CannotMeasure(f"Too few people with several pictures: {comparisons.paired} of at least {FEWEST_PAIRED}.")
    return comparisons


def describe(fitted: Fit, comparisons: Comparisons, *, contract: str, within: dict[str, float], source: str) -> object:
    """The content of calibration.json."""
    floor, cap = fitted.bounds
    kept = {
        "cosine": GRID,
        "log10_lr": fitted.middle,
        "low": fitted.low,
        "high": fitted.high,
        "log10_fmr": fitted.log10_fmr,
    }
    return {
        "contract": contract,
        "range": within,
        "limits": {"floor": round(floor, 2), "cap": round(cap, 2)},
        "fitted": {
            "source": source,
            "model": fitted.model,
            "people": comparisons.count,
            "people_with_several_pictures": comparisons.paired,
            "genuine_pairs": len(comparisons.genuine_bins),
            "impostor_pairs": comparisons.impostor_pairs,
            "independent_impostor_pairs": round(fitted.independent_pairs),
            "resamplings": fitted.resamplings,
        },
        "tested": {
            "cllr": {model: round(mean, 5) for model, mean in fitted.cllr.items()},
            "cllr_min": round(fitted.cllr_min, 5),
        },
        "curves": {name: [round(float(x), 6) for x in curve[::KEPT_EVERY]] for name, curve in kept.items()},
    }


def rows_of(bundle: str, fitted: Fit, comparisons: Comparisons) -> list[Row]:
    """The figures of one bundle."""
    tmr, fmr = comparisons.whole.match_rate()
    place = min(int(np.searchsorted(-fmr, -1e-5)), len(fmr) - 1)
    accepts = Row(measure=f"{bundle}: TAR at FAR 1e-5, all pairs", value=float(tmr[place]), unit="share", limit=1.0)
    target = 0.02 if comparisons.count >= 1000 else None  # a few people say too little about the model
    lost = fitted.cllr[fitted.model] - fitted.cllr_min
    costs = [
        Row(
            measure=f"{bundle}: held-out Cllr, {model}",
            value=mean,
            unit="bit",
            peer="Cllr_min",
            peer_value=fitted.cllr_min,
            better="lower",
        )
        for model, mean in fitted.cllr.items()
    ]
    return [
        *costs,
        Row(measure=f"{bundle}: lost by calibration", value=lost, unit="bit", target=target, better="lower"),
        Row(
            measure=f"{bundle}: misleading ratios, worst against 1/ratio",
            value=worst_misleading(fitted),
            unit="times",
            target=1.0,
            better="lower",
        ),
        Row(measure=f"{bundle}: cap of log10 ratio", value=fitted.bounds[1], unit="log10"),
        Row(measure=f"{bundle}: floor of log10 ratio", value=fitted.bounds[0], unit="log10"),
        *([accepts] if comparisons.impostor_pairs >= 1_000_000 else []),
        Row(
            measure=f"{bundle}: lowest FMR claimed",
            value=float(10 ** fitted.log10_fmr.min()),
            unit="share",
        ),
        Row(measure=f"{bundle}: people", value=comparisons.count, unit="people"),
    ]


def worst_misleading(fitted: Fit) -> float:
    """The largest of ratio x P(at least this ratio | two people) on held-out people; honest ratios stay below 1.

    Source: Royall 2000, Journal of the American Statistical Association 95(451), 760-768 (universal bound).
    """
    levels = np.arange(0.3, fitted.bounds[1], 0.1)
    return float(max((10**level * exceeding(fitted.parts, level)[1] for level in levels), default=0.0))


def measure(options: Options, progress: Progress) -> list[Row]:
    """Fit and test each bundle; a full run writes its calibration and plots."""
    pictures = read_people(options.pairs or faces_folder() / "lfw")
    return [row for bundle in options.bundle for row in calibrate(bundle, pictures, options=options, progress=progress)]


def calibrate(bundle: str, pictures: Pictures, *, options: Options, progress: Progress) -> list[Row]:
    """Embed the pictures, fit, write what a run of this kind writes, and return the figures."""
    extractor = open_bundle(bundle)
    budget_s = QUICK_BUDGET_S / len(options.bundle) if options.quick else None
    embedded = embed(extractor, pictures.paths, shelf=options.shelf, progress=progress, budget_s=budget_s)
    comparisons = compare(pictures, embedded)
    fitted = fit(comparisons, resamplings=20 if options.quick else 400, progress=progress)
    content = describe(
        fitted, comparisons, contract=extractor.contract, within=_within(options, embedded), source=options.source
    )
    _write(content, bundle, options)
    if not options.quick:
        plots.draw_calibration(
            fitted.parts,
            (fitted.low, fitted.middle, fitted.high),
            options.results / f"calibrate-{bundle}.svg",
            bounds=fitted.bounds,
        )
    return rows_of(bundle, fitted, comparisons)


def _within(options: Options, embedded: Embedded) -> dict[str, float]:
    return {
        "largest_age_gap_years": options.largest_age_gap,
        "youngest_age_years": options.youngest_age,
        "smallest_eye_px": round(float(np.quantile(embedded.eye_px[embedded.found], SMALLEST_SHARE)), 1),
    }


def _write(content: object, bundle: str, options: Options) -> None:
    folder: Path | None = options.output or (None if options.quick else default_models_dir())
    if folder is None:
        return
    path = folder / bundle / "calibration.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_compact(content), encoding="utf-8")


def _compact(content: object) -> str:
    """JSON with each curve on one line, so that a new fit is a short difference."""
    text = json.dumps(content, indent=1)
    return re.sub(r"\[[^\]]*\]", lambda curve: " ".join(curve[0].split()), text) + "\n"


def _arguments(parser: ArgumentParser) -> None:
    bundle_arguments(parser)
    parser.add_argument("--pairs", type=Path, metavar="FOLDER", help="person/picture (default: LIGHTHOUSE_FACES/lfw)")
    parser.add_argument("--source", default="Labeled Faces in the Wild, View 2", help="what to call the pictures")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="write FOLDER/<bundle>/calibration.json")
    parser.add_argument("--largest-age-gap", type=float, default=10.0, metavar="YEARS", help="that the pictures hold")
    parser.add_argument("--youngest-age", type=float, default=18.0, metavar="YEARS", help="that the pictures hold")


if __name__ == "__main__":
    sys.exit(run_benchmark("calibrate", measure, about=__doc__ or "", arguments=_arguments))
