"""Fits what the norm of a template says about how well it will match, and what each component of quality costs.

Half of the people with several pictures are looked at as they are and made worse in one drawn way; the other half is
left for `python -m benchmarks.quality`. The utility is the share of a person's other pictures, as they are, that a
sample is recognised with, at the cosine that one pair of strangers in 10,000 reaches: four numbers of a logistic
regression, on the logarithm of the norm and on how far the head is turned to the side and up or down. (The confidence
of the detector, the other components, the template of the mirrored crop: each foretold hardly more.) A component hurts
from where it is lower than in nearly all pictures of better than middling utility, and costs what it takes from the log
odds (non-negative least squares). Each way of getting worse is left out once, and predicted from the others. A full run
writes models/<bundle>/utility.json: numbers only.
"""

import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from scipy.optimize import minimize, nnls
from scipy.stats import spearmanr

from benchmarks.degrading import DEGRADATIONS
from benchmarks.frame import Options, Row, faces_folder, run_benchmark
from benchmarks.genuine import against_untouched, threshold_at
from benchmarks.pairs import read_people
from benchmarks.samples import Floats, Samples, half_of, one_of_all, take_samples
from benchmarks.templates import QUICK_BUDGET_S, open_bundle
from facematch.bundle import default_models_dir
from facematch.utility import Harm, Utility

FALSE_MATCH_RATE = 1e-4
MOST_OF_ONE = 4  # pictures of one person
BEGINS_AT = 0.05  # of the better pictures have a component that is worse
# What may be to blame: not how the head stands in the picture, which the crop does not show, nor what other components
# say more plainly (the mean and the variance of luminance).
POSE = ("HeadPoseYaw", "HeadPosePitch")
TO_BLAME = (
    "IlluminationUniformity",
    "UnderExposurePrevention",
    "OverExposurePrevention",
    "DynamicRange",
    "Sharpness",
    "CompressionArtifacts",
    "NaturalColour",
    "InterEyeDistance",
    "HeadPoseYaw",
    "HeadPosePitch",
    "HeadPoseRoll",
)


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """n samples that were compared: features (n, 4) and the share of comparisons that were recognised (n,)."""

    features: Floats
    recognised: Floats

    def take(self, rows: NDArray[np.bool_]) -> "Observed":
        """Some of them."""
        return Observed(self.features[rows], self.recognised[rows])


def observe(samples: Samples, threshold: float) -> Observed:
    """What is known about each sample; NaN where there was nothing to compare it with."""
    genuine = against_untouched(samples)
    recognised = genuine.mean_for_one((genuine.cosine > threshold).astype(np.float64), len(samples.norms))
    turned = [-depths(samples.component(name), begin_of(samples.component(name)[samples.untouched])) for name in POSE]
    features = np.column_stack([np.ones(len(samples.norms)), np.log(samples.norms), *turned])
    return Observed(features, recognised)


def begin_of(values: Floats) -> float:
    """Where harm by a component begins: worse than in nearly all of these pictures."""
    return round(float(np.quantile(values[values >= 0], BEGINS_AT)), 1)


def depths(values: Floats, begin: float) -> Floats:
    """(n,): how far values lie below where harm begins, 0..1; what could not be assessed accuses nobody."""
    return np.where(values < 0, 0.0, np.maximum(0.0, 1 - values / begin))


def fit_predictor(observed: Observed) -> Floats:
    """(4,) weights of the log odds by maximum likelihood of the shares recognised; none but the first is negative."""
    features, shares = observed.features, observed.recognised

    def cost(weights: Floats) -> tuple[float, Floats]:
        odds = features @ weights
        slope = features.T @ (1 / (1 + np.exp(-odds)) - shares) / len(shares)
        return float((np.logaddexp(0, odds) - shares * odds).mean()), slope

    bounds = [(None, None)] + [(0.0, None)] * (features.shape[1] - 1)
    found = minimize(cost, np.zeros(features.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x, np.float64)


def fit_harms(samples: Samples, odds: Floats) -> dict[str, Harm]:
    """What each component costs; those that cost nothing stay, because others may be their doing."""
    untouched = samples.untouched
    better = untouched & (odds >= np.median(odds[untouched]))
    values = [samples.component(name) for name in TO_BLAME]
    begins = [begin_of(one[better]) for one in values]
    lost = np.maximum(0, np.median(odds[untouched]) - odds)
    weights, _ = nnls(np.column_stack([depths(*one) for one in zip(values, begins, strict=True)]), lost)
    return {
        name: Harm(begin, round(float(weight), 2))
        for name, begin, weight in zip(TO_BLAME, begins, weights, strict=True)
    }


def pose_of(samples: Samples, weights: Floats) -> dict[str, Harm]:
    """What turning the head costs, of the weights (4,) of a predictor."""
    begins = [begin_of(samples.component(name)[samples.untouched]) for name in POSE]
    return {
        name: Harm(begin, round(float(weight), 2))
        for name, begin, weight in zip(POSE, begins, weights[2:], strict=True)
    }


def left_out(samples: Samples, observed: Observed) -> dict[str, tuple[float, float]]:
    """For each way of getting worse, predicted without having seen it: rank correlation with the share recognised, and
    by how much (of 100) the mean is predicted too high.
    """
    known = ~np.isnan(observed.recognised)
    told = {}
    for name in DEGRADATIONS:
        this = samples.worsened_by(name)
        weights = fit_predictor(observed.take(known & ~this))
        tested = observed.take(known & this)
        predicted = 1 / (1 + np.exp(-tested.features @ weights))
        too_high = 100 * float((predicted - tested.recognised).mean())
        told[name] = float(spearmanr(predicted, tested.recognised).statistic), too_high
    return told


def describe(utility: Utility, *, contract: str, fitted: Mapping[str, object]) -> str:
    """The content of utility.json, one component a line."""
    predictor = {name: round(getattr(utility, name), 5) for name in ("offset", "log_norm")}
    parts = {"contract": contract, "predictor": predictor, "pose": _listed(utility.pose)}
    parts |= {"harms": _listed(utility.harms), "fitted": fitted}
    content = json.dumps(parts, indent=1)
    return re.sub(r"\{[^{}]*\}", lambda part: " ".join(part[0].split()), content) + "\n"


def _listed(harms: Mapping[str, Harm]) -> dict[str, object]:
    return {name: asdict(harm) for name, harm in harms.items()}


def measure(options: Options, progress: Progress) -> list[Row]:
    """Fit each bundle; a full run writes its file."""
    pictures = half_of(read_people(options.pairs or faces_folder() / "lfw"), fitting=True, most=MOST_OF_ONE)
    rows = []
    for bundle in options.bundle:
        extractor = open_bundle(bundle)
        budget_s = QUICK_BUDGET_S / len(options.bundle) if options.quick else None
        samples = take_samples(extractor, pictures, changes=one_of_all, progress=progress, budget_s=budget_s)
        observed = observe(samples, threshold_at(samples, FALSE_MATCH_RATE))
        weights = fit_predictor(observed.take(~np.isnan(observed.recognised)))
        harms = fit_harms(samples, observed.features @ weights)
        utility = Utility(float(weights[0]), float(weights[1]), pose_of(samples, weights), harms)
        fitted = {
            "source": options.source,
            "people": len(np.unique(samples.person)),
            "samples": len(samples.norms),
            "false_match_rate": FALSE_MATCH_RATE,
        }
        folder = options.output or (None if options.quick else default_models_dir())
        if folder is not None:
            (folder / bundle).mkdir(parents=True, exist_ok=True)
            content = describe(utility, contract=extractor.contract, fitted=fitted)
            (folder / bundle / "utility.json").write_text(content, encoding="utf-8")
        rows += rows_of(bundle, samples, observed)
    return rows


def rows_of(bundle: str, samples: Samples, observed: Observed) -> list[Row]:
    """The figures of one bundle: how well each way of getting worse is foreseen by who has not seen it."""
    rows = [Row(measure=f"{bundle}: samples", value=len(samples.norms), unit="samples")]
    for name, (correlation, too_high) in left_out(samples, observed).items():
        rows.append(Row(measure=f"{bundle}: {name} left out, rank correlation", value=correlation, unit="ρ", limit=1.0))
        rows.append(
            Row(measure=f"{bundle}: {name} left out, mean predicted too high by", value=too_high, unit="of 100")
        )
    return rows


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--bundle", nargs="+", default=["opencv-zoo"], metavar="NAME", help="bundles to fit")
    parser.add_argument("--pairs", type=Path, metavar="FOLDER", help="person/picture (default: LIGHTHOUSE_FACES/lfw)")
    parser.add_argument("--source", default="Labeled Faces in the Wild, View 2", help="what to call the pictures")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="write FOLDER/<bundle>/utility.json")


if __name__ == "__main__":
    sys.exit(run_benchmark("utility", measure, about=__doc__ or "", arguments=_arguments))
