"""What a similarity is worth: cosine → calibrated likelihood ratio, interval, band. It never judges outside its data.

The curves are fitted and tested by `python -m benchmarks.calibrate` and lie in models/<bundle>/calibration.json.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from facematch.errors import CalibrationMissing
from facematch.types import Likelihood

INFANT_BELOW_YEARS = 3.0  # toddlers look alike to every known model, and soon no longer like themselves
NO_DIRECTION = math.log10(2)  # ENFSI 2015: a ratio between 1/2 and 2 supports neither side
TIE_BREAK = 1e-3  # what a whole unit of cosine adds to the nominal value, so that capped candidates keep an order


def N_(sentence: str) -> str:  # noqa: N802 (the name that gettext's extraction looks for)
    """Mark a sentence for translation; the page translates it."""
    return sentence


BANDS: dict[str, str] = {
    "speaks-against": N_("The comparison speaks against these being one person."),
    "inconclusive": N_("The comparison supports neither one person nor two."),
    "limited": N_("Limited support for one person: at least 2 times more probable than for two different people."),
    "moderate": N_("Moderate support for one person: at least 10 times more probable than for two different people."),
    "moderately-strong": N_(
        "Moderately strong support for one person: at least 100 times more probable than for two different people."
    ),
    "strong": N_("Strong support for one person: at least 1,000 times more probable than for two different people."),
    "very-strong": N_(
        "Very strong support for one person: at least 10,000 times more probable than for two different people."
    ),
    "not-calibrated": N_("Not calibrated for this range: no likelihood ratio can be given."),
}
SUPPORT = (
    (NO_DIRECTION, "limited"),
    (1.0, "moderate"),
    (2.0, "moderately-strong"),
    (3.0, "strong"),
    (4.0, "very-strong"),
)

REASONS: dict[str, str] = {
    "infant": N_("One picture shows a child below 3 years; faces of that age cannot be told apart reliably."),
    "child": N_("One picture shows a person younger than those the calibration was made with."),
    "age-gap-beyond-data": N_("More years lie between the pictures than the calibration was made with."),
    "age-unknown": N_("The age of a person in one of the pictures is not known."),
    "age-gap-unknown": N_("It is not known how many years lie between the pictures."),
    "picture-too-small": N_("A face is smaller than those the calibration was made with."),
    "picture-size-unknown": N_("The size of a face in one of the pictures is not known."),
}


class CalibrationFile(TypedDict):
    """The part of a calibration.json that is used here; the file also tells how it was fitted and tested."""

    contract: str
    range: dict[str, float]
    limits: dict[str, float]
    curves: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class CalibratedRange:
    """The pictures that the calibration may speak about: years, years, and pixels between the eyes."""

    largest_age_gap_years: float
    youngest_age_years: float
    smallest_eye_px: float

    def why_outside(
        self, *, age_gap_years: float | None, youngest_age_years: float | None, smallest_eye_px: float | None
    ) -> str | None:
        """The first REASONS code that applies, or None inside the range; what is not known is outside."""
        youngest, gap, eyes = map(_or_nan, (youngest_age_years, age_gap_years, smallest_eye_px))
        findings = (
            ("infant", youngest < INFANT_BELOW_YEARS),
            ("child", youngest < self.youngest_age_years),
            ("age-gap-beyond-data", gap > self.largest_age_gap_years),
            ("age-unknown", math.isnan(youngest)),
            ("age-gap-unknown", math.isnan(gap)),
            ("picture-too-small", eyes < self.smallest_eye_px),
            ("picture-size-unknown", math.isnan(eyes)),
        )
        return next((code for code, applies in findings if applies), None)


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Over rising cosines (m,): log10 of the likelihood ratio, its 95 % interval, and log10 of the false match rate."""

    cosine: NDArray[np.float64]
    log10_lr: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    log10_fmr: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What one contract's cosines are worth. `floor` and `cap` bound every log10 ratio to what the data can support."""

    id: str
    contract: str
    within: CalibratedRange
    floor: float
    cap: float
    curves: Curves

    def assess(
        self,
        cosine: float,
        *,
        age_gap_years: float | None,
        youngest_age_years: float | None,
        smallest_eye_px: float | None,
        gallery_size: int,
    ) -> Likelihood:
        """Judge the similarity of two pictures.

        cosine: between two templates of this contract, -1..1. age_gap_years: between the two pictures.
        youngest_age_years: the lower of the two ages when photographed. smallest_eye_px: the smaller distance between
        the eyes, in pixels of the upright picture. gallery_size: how many other people's faces were compared.
        Raises ValueError for a cosine that is not a number.
        """
        if not math.isfinite(cosine):
            raise ValueError("the cosine is not a number")
        reason = self.within.why_outside(
            age_gap_years=age_gap_years, youngest_age_years=youngest_age_years, smallest_eye_px=smallest_eye_px
        )
        curves = self.curves
        middle, low, high = (self._bounded(cosine, curve) for curve in (curves.log10_lr, curves.low, curves.high))
        return Likelihood(
            nominal_log10_lr=middle + TIE_BREAK * cosine,
            log10_lr=middle if reason is None else None,
            low=low if reason is None else None,
            high=high if reason is None else None,
            band=band_of(low, high) if reason is None else "not-calibrated",
            reason=reason,
            expected_strangers=gallery_size * 10 ** float(np.interp(cosine, curves.cosine, curves.log10_fmr)),
            calibration=self.id,
        )

    def _bounded(self, cosine: float, curve: NDArray[np.float64]) -> float:
        return min(max(float(np.interp(cosine, self.curves.cosine, curve)), self.floor), self.cap)


def band_of(low: float | None, high: float | None) -> str:
    """The BANDS code of an interval of log10 likelihood ratios; its end nearest to zero decides.

    Steps and words: ENFSI Guideline for Evaluative Reporting in Forensic Science (2015), table of verbal equivalents;
    "limited" is its "weak". One word covers all ratios below 1/2: nobody is ruled out by this number.
    """
    if low is None or high is None:
        return "not-calibrated"
    if high <= -NO_DIRECTION:
        return "speaks-against"
    reached = [code for least, code in SUPPORT if low >= least]
    return reached[-1] if reached else "inconclusive"


def read_calibration(path: Path, *, contract: str) -> Calibration:
    """Read a calibration.json; CalibrationMissing when it is absent, damaged or was fitted for another contract."""
    try:
        calibration = _parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise CalibrationMissing(contract=contract, problem=type(trouble).__name__) from trouble
    if calibration.contract != contract:
        raise CalibrationMissing(contract=contract, fitted_for=calibration.contract)
    return calibration


def content_id(content: object) -> str:
    """The first 12 hex digits of the SHA-256 of the content, whatever its layout on disk."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _parse(content: CalibrationFile) -> Calibration:
    curves = {name: np.asarray(values, np.float64) for name, values in content["curves"].items()}
    if len({curve.shape for curve in curves.values()}) != 1 or not all(np.isfinite(x).all() for x in curves.values()):
        raise ValueError("curves of different lengths, or holes in them")
    if (np.diff(curves["cosine"]) <= 0).any():
        raise ValueError("cosines that do not rise")
    return Calibration(
        id=content_id(content),
        contract=content["contract"],
        within=CalibratedRange(**content["range"]),
        floor=content["limits"]["floor"],
        cap=content["limits"]["cap"],
        curves=Curves(**curves),
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
