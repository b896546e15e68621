"""Measures whether the utility of a face foretells how well it matches, on people that it was not fitted on.

Error versus discard (ISO/IEC 29794-1): at the threshold that one pair of strangers in 10,000 reaches, how many pairs of
pictures of one person are still missed when those of the lowest utility (the lower of the two) are set aside, beside
setting aside at random, by single components of ISO/IEC 29794-5, and by who knew the errors. Once on pictures as they
are, and once on a mixture in which half are made worse in one seeded way and strength out of sixty. Then every way of
getting worse, on the same pictures in five strengths: whether utility falls with each, follows the cosine (rank
correlation), and whether the first cause that is named is the right one.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.progress import Progress
from scipy.stats import spearmanr

from benchmarks import plots
from benchmarks.degrading import DEGRADATIONS, STRENGTHS
from benchmarks.discard import AREA_TO, Curves, curves_of
from benchmarks.frame import CannotMeasure, Options, Row, faces_folder, run_benchmark
from benchmarks.genuine import against_untouched, among, threshold_at
from benchmarks.pairs import Pictures, read_people
from benchmarks.samples import AS_IT_IS, Floats, Places, Samples, Worse, half_of, one_of_all, take_samples
from benchmarks.templates import QUICK_BUDGET_S, open_bundle
from facematch.extractor import Extractor
from facematch.types import Quality
from facematch.utility import GOOD

FALSE_MATCH_RATE = 1e-4
MOST_OF_ONE = 4  # pictures of one person
STEPPED = 60  # pictures that are made worse in all ways and strengths
SHARES = (0.05, 0.1, 0.2)
RISE = 1.0  # of 100: less is chance
UTILITY = "utility"
SINGLES = ("Sharpness", "DynamicRange", "InterEyeDistance", "HeadPoseYaw", "OverExposurePrevention")
RIGHT_CAUSES: Mapping[str, tuple[str, ...]] = {
    "blur": ("Sharpness",),
    "shake": ("Sharpness",),
    "downscale": ("InterEyeDistance", "Sharpness"),
    "jpeg": ("CompressionArtifacts",),
    "dark": ("UnderExposurePrevention",),
    "bright": ("OverExposurePrevention",),
    "one side lit": ("IlluminationUniformity",),
    "haze": ("DynamicRange",),
    "turned": ("HeadPoseYaw",),
    "nodding": ("HeadPosePitch",),
    "tilted": ("HeadPoseRoll",),
}


def rate(extractor: Extractor, samples: Samples) -> list[Quality]:
    """The quality of each sample with utility and causes; CannotMeasure for a bundle without a utility."""
    if extractor.utility is None:
        name = extractor.bundle.name
        raise CannotMeasure(f"Fit its utility first: python -m benchmarks.utility --bundle {name}")
    rated = zip(samples.qualities, samples.norms, strict=True)
    return [extractor.utility.rate(one, norm=norm) for one, norm in rated]


def discard(samples: Samples, rated: Sequence[Quality], chosen: Places, threshold: float) -> Curves:
    """The curves over all pairs of the chosen samples that show one person."""
    pairs = among(samples, chosen)
    values = {UTILITY: utilities(rated)} | {name: samples.component(name) for name in SINGLES}
    lower = {name: np.minimum(one[pairs.one], one[pairs.other]) for name, one in values.items()}
    return curves_of(pairs.cosine <= threshold, lower)


def utilities(rated: Sequence[Quality]) -> Floats:
    """(n,) utilities."""
    return np.array([one.utility for one in rated])


def mixture(samples: Samples) -> Places:
    """Every picture once: the even ones as they are, the odd ones made worse."""
    return np.flatnonzero(samples.untouched == (samples.picture % 2 == 0))


def discard_rows(head: str, curves: Curves) -> list[Row]:
    """What is still missed after a share was set aside, and the areas."""
    rows = [
        Row(
            measure=f"{head}: FNMR after {share:.0%} set aside",
            value=curves.by[UTILITY].at(share),
            unit="share",
            peer="at random",
            peer_value=curves.random.at(share),
            limit=curves.perfect.at(share) or None,
            better="lower",
        )
        for share in SHARES
    ]
    areas = [
        Row(
            measure=f"{head}: area to {AREA_TO:.0%} by {name}",
            value=one.area / curves.random.area,
            unit="of random's",
            limit=curves.perfect.area / curves.random.area,
            target=1.0 if name == UTILITY else None,
            better="lower",
        )
        for name, one in curves.by.items()
    ]
    return rows + areas


def overall_rows(bundle: str, samples: Samples, rated: Sequence[Quality]) -> list[Row]:
    """Rank correlation of utility with the mean cosine to the person's pictures as they are."""
    genuine, values = against_untouched(samples), utilities(rated)
    cosine = genuine.mean_for_one(genuine.cosine, len(values))
    compared = ~np.isnan(cosine)
    groups = {"all samples": compared, "pictures as they are": compared & samples.untouched}
    return [
        Row(
            measure=f"{bundle}: utility and cosine, {name}",
            value=float(spearmanr(values[rows], cosine[rows]).statistic),
            unit="ρ",
            limit=1.0,
        )
        for name, rows in groups.items()
    ]


def step_rows(bundle: str, samples: Samples, rated: Sequence[Quality]) -> list[Row]:
    """For each way of getting worse: utility from mild to hard, rank correlation with the cosine, causes named."""
    genuine, values = against_untouched(samples), utilities(rated)
    cosine = genuine.mean_for_one(genuine.cosine, len(values))
    rows = list[Row]()
    for name in DEGRADATIONS:
        this, means = samples.worsened_by(name), strength_means(samples, values, name)
        compared = this & ~np.isnan(cosine)
        rises = int((np.diff(means) > RISE).sum())
        follows = float(spearmanr(values[compared], cosine[compared]).statistic)
        rows += [
            Row(
                measure=f"{bundle}: utility under {name}, hardest",
                value=means[-1],
                unit="of 100",
                peer="as they are",
                peer_value=means[0],
                better="lower",
            ),
            Row(measure=f"{bundle}: steps up under {name}", value=rises, unit="of 5", target=0, better="lower"),
            Row(measure=f"{bundle}: utility and cosine, {name}", value=follows, unit="ρ", limit=1.0),
            *_cause_rows(bundle, name, [rated[place] for place in np.flatnonzero(this).tolist()]),
        ]
    return rows


def strength_means(samples: Samples, values: Floats, name: str) -> list[float]:
    """Mean of values over the samples as they are, then over each strength at which faces were still found."""
    ways = np.array([one == AS_IT_IS or one[0] == name for one in samples.worse])
    strengths = np.array([one[1] for one in samples.worse])
    present = [strength for strength in (0, *STRENGTHS) if (ways & (strengths == strength)).any()]
    return [float(values[ways & (strengths == strength)].mean()) for strength in present]


def _cause_rows(bundle: str, name: str, rated: Sequence[Quality]) -> list[Row]:
    wanting = [one.causes[:1] for one in rated if one.utility < GOOD]
    if name not in RIGHT_CAUSES or not wanting:
        return []
    right = sum(bool(set(causes) & set(RIGHT_CAUSES[name])) for causes in wanting) / len(wanting)
    return [Row(measure=f"{bundle}: {name} named as the cause", value=right, unit="share", limit=1.0)]


def all_ways(_: np.random.Generator) -> list[Worse]:
    """The picture as it is, and in every way and strength."""
    return [AS_IT_IS, *((name, strength) for name in DEGRADATIONS for strength in STRENGTHS)]


def measure(options: Options, progress: Progress) -> list[Row]:
    """Judge each bundle; a full run draws its curves."""
    pictures = half_of(read_people(options.pairs or faces_folder() / "lfw"), fitting=False, most=MOST_OF_ONE)
    rows = list[Row]()
    for bundle in options.bundle:
        rows += judge(bundle, pictures, options=options, progress=progress)
    return rows


def judge(bundle: str, pictures: Pictures, *, options: Options, progress: Progress) -> list[Row]:
    """The figures of one bundle."""
    extractor = open_bundle(bundle)
    budget_s = QUICK_BUDGET_S / 2 / len(options.bundle) if options.quick else None
    few = Pictures(pictures.paths[:STEPPED], pictures.people[:STEPPED])
    many, stepped = (
        take_samples(extractor, some, changes=changes, progress=progress, budget_s=budget_s)
        for some, changes in ((pictures, one_of_all), (few, all_ways))
    )
    threshold, rated, rated_steps = (
        threshold_at(many, FALSE_MATCH_RATE),
        rate(extractor, many),
        rate(extractor, stepped),
    )
    sets = {"as they are": np.flatnonzero(many.untouched), "mixture": mixture(many)}
    curves = {name: discard(many, rated, chosen, threshold) for name, chosen in sets.items()}
    if not options.quick:
        told = recognised(many, rated, threshold)
        steps = {name: strength_means(stepped, utilities(rated_steps), name) for name in DEGRADATIONS}
        plots.draw_quality(curves, told, steps, path=options.results / f"quality-{bundle}.svg")
    return [
        *(row for name, one in curves.items() for row in discard_rows(f"{bundle}, {name}", one)),
        *overall_rows(bundle, many, rated),
        *step_rows(bundle, stepped, rated_steps),
    ]


def recognised(samples: Samples, rated: Sequence[Quality], threshold: float) -> tuple[list[float], list[float]]:
    """For each tenth of the scale that utilities fall in: their mean, and how many of 100 pictures were recognised."""
    genuine, values = against_untouched(samples), utilities(rated)
    share = genuine.mean_for_one((genuine.cosine > threshold).astype(np.float64), len(values))
    tenth = np.where(np.isnan(share), -1, np.minimum(values // 10, 9))
    rows = [np.flatnonzero(tenth == number) for number in range(10)]
    rows = [some for some in rows if len(some)]
    return [float(values[some].mean()) for some in rows], [100 * float(share[some].mean()) for some in rows]


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--bundle", nargs="+", default=["opencv-zoo"], metavar="NAME", help="bundles to measure")
    parser.add_argument("--pairs", type=Path, metavar="FOLDER", help="person/picture (default: LIGHTHOUSE_FACES/lfw)")


if __name__ == "__main__":
    sys.exit(run_benchmark("quality", measure, about=__doc__ or "", arguments=_arguments))
