"""What a similarity is worth: cosine → calibrated likelihood ratio, interval, band. It never judges outside its data.

The curves are fitted and tested by `python -m benchmarks.calibrate` and lie in models/<bundle>/calibration.json. What
several models or several photographs say is put together by `fuse`, as facematch/fusion.py weighs it.
"""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from facematch.bands import REASONS, band_of
from facematch.errors import CalibrationMissing
from facematch.fusion import Fusion, content_id, parts_of
from facematch.types import Likelihood

INFANT_BELOW_YEARS = 3.0  # toddlers look alike to every known model, and soon no longer like themselves
TIE_BREAK = 1e-3  # what a whole unit of cosine adds to the nominal value, so that capped candidates keep an order


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
            nominal_log10_lr=float(self.nominal(np.float64(cosine))),
            log10_lr=middle if reason is None else None,
            low=low if reason is None else None,
            high=high if reason is None else None,
            band=band_of(low, high) if reason is None else "not-calibrated",
            reason=reason,
            expected_strangers=gallery_size * 10 ** float(np.interp(cosine, curves.cosine, curves.log10_fmr)),
            calibration=self.id,
        )

    def nominal(self, cosine: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
        """What orders candidates, for cosines of any shape: the bounded log10 ratio, ties broken by the cosine."""
        middle = np.interp(cosine, self.curves.cosine, self.curves.log10_lr).clip(self.floor, self.cap)
        return np.asarray(middle + TIE_BREAK * cosine)

    def _bounded(self, cosine: float, curve: NDArray[np.float64]) -> float:
        return min(max(float(np.interp(cosine, self.curves.cosine, curve)), self.floor), self.cap)


def fuse(photos: Sequence[Collection[Likelihood]], *, fusion: Fusion, gallery_size: int) -> Likelihood:
    """Put together what several models say about each of several pairs of pictures of the same two people.

    photos: for each pair of pictures the likelihoods of the models that could compare it, in any order; a single one
    comes back as it is. gallery_size: as in Calibration.assess. What is outside its calibrated range counts for the
    order (`nominal_log10_lr`) but not for the ratio. Raises ValueError when nothing was compared.
    """
    pairs = [_across_models(members, fusion, gallery_size) for members in photos if members]
    if not pairs:
        raise ValueError("nothing was compared")
    return pairs[0] if len(pairs) == 1 else _across_photos(pairs, fusion)


def read_calibration(path: Path, *, contract: str) -> Calibration:
    """Read a calibration.json; CalibrationMissing when it is absent, damaged or was fitted for another contract."""
    try:
        calibration = _parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise CalibrationMissing(contract=contract, problem=type(trouble).__name__) from trouble
    if calibration.contract != contract:
        raise CalibrationMissing(contract=contract, fitted_for=calibration.contract)
    return calibration


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


def _across_models(members: Collection[Likelihood], fusion: Fusion, gallery_size: int) -> Likelihood:
    """One pair of pictures. The interval is that of parts which err fully together, the widest there is."""
    if len(members) == 1:
        return next(iter(members))
    whole = {member.calibration: member for member in members}
    inside = {part: ratio for part, member in whole.items() if (ratio := _ratio_of(member))}
    order, rule = fusion.rule(whole), fusion.rule(inside)
    nominal = order.weigh({part: member.nominal_log10_lr for part, member in whole.items()})
    ends = [rule.bound(rule.weigh({part: ratio[end] for part, ratio in inside.items()})) for end in range(3)]
    share = order.share_of_strangers(nominal)
    # Whoever reaches the fused value reaches that of one part at least: where it was not counted, the sum bounds it.
    strangers = math.fsum(member.expected_strangers for member in members) if share is None else gallery_size * share
    return _fused(whole.values(), fusion.name(whole), nominal=nominal, ends=ends if inside else [], strangers=strangers)


def _across_photos(pairs: Sequence[Likelihood], fusion: Fusion) -> Likelihood:
    """Several photographs of a person. Strangers are counted as for the best one: most people show no more than one."""
    inside = [(pair.calibration, ratio) for pair in pairs if (ratio := _ratio_of(pair))]
    ends = [fusion.across_photos([(name, ratio[end]) for name, ratio in inside]) for end in range(3) if inside]
    nominal = fusion.gather([pair.nominal_log10_lr for pair in pairs])
    name = fusion.name(frozenset().union(*(parts_of(pair.calibration) for pair in pairs)))
    return _fused(pairs, name, nominal=nominal, ends=ends, strangers=min(pair.expected_strangers for pair in pairs))


def _ratio_of(likelihood: Likelihood) -> tuple[float, float, float] | None:
    middle, low, high = likelihood.log10_lr, likelihood.low, likelihood.high
    return None if middle is None or low is None or high is None else (low, middle, high)


def _fused(
    members: Collection[Likelihood], name: str, *, nominal: float, ends: Sequence[float], strangers: float
) -> Likelihood:
    low, middle, high = ends or (None, None, None)
    given = {member.reason for member in members}
    return Likelihood(
        nominal_log10_lr=nominal,
        log10_lr=middle,
        low=low,
        high=high,
        band=band_of(low, high),
        reason=None if ends else next(code for code in REASONS if code in given),
        expected_strangers=strangers,
        calibration=name,
    )
