"""How well pairs of pictures are told apart: 10-fold accuracy on LFW, EER, TAR at FAR 1e-3, and failure to acquire.

The View-2 protocol: in each of ten folds of 600 pairs, decide by the threshold that was best on the other nine. Of
several faces in a picture the one nearest its centre counts. A pair with a picture without a face is scored -1, so it
counts as a miss and is never left out. LFW shows adults, mostly Western public figures, whom the weights may have been
trained on: the figures compare engines and say little about children, old photographs or other faces. It never
chooses a threshold for use.
"""

import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks import plots
from benchmarks.frame import Options, Row, faces_folder, run_benchmark
from benchmarks.histograms import Numbers
from benchmarks.pairs import Pair, read_pairs
from benchmarks.templates import QUICK_BUDGET_S, Embedded, bundle_arguments, embed, open_bundle

PUBLISHED = {
    "opencv-zoo": ("OpenCV Zoo, published", 0.9940),
    "opencv-zoo-int8": ("OpenCV Zoo, published", 0.9942),
    "buffalo_sc": ("InsightFace, published", 0.9970),
    "edgeface-s": ("Idiap, published", 0.9978),
}
TARGET = 0.993


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Cosines of n pairs, whether each shows one person, and its fold: (n,) each."""

    cosine: Numbers
    same: NDArray[np.bool_]
    fold: NDArray[np.intp]

    @property
    def genuine(self) -> Numbers:
        """Cosines of the pairs of one person."""
        return self.cosine[self.same]

    @property
    def impostor(self) -> Numbers:
        """Cosines of the pairs of two people."""
        return self.cosine[~self.same]


def score(pairs: list[Pair], embedded: Embedded) -> Scored:
    """Compare the pairs whose pictures were both embedded."""
    reach = len(embedded.templates)
    pairs = [pair for pair in pairs if max(pair.first, pair.second) < reach]
    first, second = (np.array(side, np.intp) for side in ([p.first for p in pairs], [p.second for p in pairs]))
    cosine = np.einsum("ij,ij->i", embedded.templates[first], embedded.templates[second]).astype(np.float64)
    cosine[~(embedded.found[first] & embedded.found[second])] = -1.0
    return Scored(cosine, np.array([p.same for p in pairs]), np.array([p.fold for p in pairs]))


def fold_accuracies(scored: Scored) -> Numbers:
    """Accuracy of each fold under the threshold that is best on the others.

    Source: Huang et al. 2007, Labeled Faces in the Wild, UMass technical report 07-49, section on View 2.
    """
    accuracies = []
    for fold in np.unique(scored.fold):
        held_out = scored.fold == fold
        threshold = best_threshold(scored.cosine[~held_out], scored.same[~held_out])
        accuracies.append(((scored.cosine[held_out] >= threshold) == scored.same[held_out]).mean())
    return np.array(accuracies)


def best_threshold(cosine: Numbers, same: NDArray[np.bool_]) -> float:
    """The threshold with most pairs right; the middle one where several are equally good."""
    order = np.argsort(cosine)
    ordered = np.concatenate(([-1.0], cosine[order], [1.0]))
    right_below = np.concatenate(([0], np.cumsum(~same[order])))
    right_above = same.sum() - np.concatenate(([0], np.cumsum(same[order])))
    best = np.flatnonzero(right_below + right_above == (right_below + right_above).max())
    middle = best[len(best) // 2]
    return float(ordered[middle] + ordered[middle + 1]) / 2


def error_rates(scored: Scored) -> tuple[Numbers, Numbers]:
    """FMR and FNMR at every score as threshold, rising; a score at the threshold is a match."""
    thresholds = np.unique(scored.cosine)
    fnmr = np.searchsorted(np.sort(scored.genuine), thresholds, side="left") / len(scored.genuine)
    fmr = 1 - np.searchsorted(np.sort(scored.impostor), thresholds, side="left") / len(scored.impostor)
    return fmr, fnmr


def equal_error_rate(scored: Scored) -> float:
    """The mean of FMR and FNMR where they are nearest to each other."""
    fmr, fnmr = error_rates(scored)
    nearest = np.abs(fmr - fnmr).argmin()
    return float(fmr[nearest] + fnmr[nearest]) / 2


def true_accepts(scored: Scored, *, at_far: float) -> float:
    """Share of genuine pairs above the lowest threshold whose FMR is at most `at_far`."""
    allowed = int(at_far * len(scored.impostor) + 1e-9)
    first_refused = np.sort(scored.impostor)[::-1][allowed]
    return float((scored.genuine > first_refused).mean())


def rows_of(bundle: str, scored: Scored, embedded: Embedded) -> list[Row]:
    """The figures of one bundle."""
    folds = fold_accuracies(scored)
    accepts = Row(
        measure=f"{bundle}: TAR at FAR 1e-3", value=true_accepts(scored, at_far=1e-3), unit="share", limit=1.0
    )
    peer, published = PUBLISHED.get(bundle, (None, None))
    return [
        Row(
            measure=f"{bundle}: accuracy, {len(folds)} folds",
            value=float(folds.mean()),
            unit="share",
            peer=peer,
            peer_value=published,
            limit=1.0,
            target=TARGET,
        ),
        Row(measure=f"{bundle}: its standard error", value=float(folds.std(ddof=1) / len(folds) ** 0.5), unit="share"),
        Row(measure=f"{bundle}: EER", value=equal_error_rate(scored), unit="share", better="lower"),
        *([accepts] if len(scored.impostor) >= 1000 else []),
        Row(
            measure=f"{bundle}: failure to acquire",
            value=float(1 - embedded.found.mean()),
            unit="share",
            target=0.001,
            better="lower",
        ),
        Row(measure=f"{bundle}: pairs", value=len(scored.same), unit="pairs"),
        Row(measure=f"{bundle}: pictures", value=len(embedded.templates), unit="pictures"),
    ]


def measure(options: Options, progress: Progress) -> list[Row]:
    """Embed every picture once for each bundle and judge the pairs."""
    folder: Path = options.faces or faces_folder() / "lfw"
    pictures, pairs = read_pairs(folder)
    budget_s = QUICK_BUDGET_S / len(options.bundle) if options.quick else None
    rows, rates = list[Row](), dict[str, tuple[Numbers, Numbers]]()
    for bundle in options.bundle:
        embedded = embed(open_bundle(bundle), pictures.paths, shelf=options.shelf, progress=progress, budget_s=budget_s)
        scored = score(pairs, embedded)
        rows += rows_of(bundle, scored, embedded)
        rates[bundle] = error_rates(scored)
    if not options.quick:
        plots.draw_det(rates, options.results / "accuracy-det.svg")
    return rows


def _arguments(parser: ArgumentParser) -> None:
    bundle_arguments(parser)
    parser.add_argument("faces", nargs="?", type=Path, help="folder with pairs.csv (default: LIGHTHOUSE_FACES/lfw)")


if __name__ == "__main__":
    sys.exit(run_benchmark("accuracy", measure, about=__doc__ or "", arguments=_arguments))
