"""What the log10 ratios of several models, and of several photographs, are worth together. It never judges one alone.

Both are witnesses who have talked to each other. Models that look at the same two pictures err together: their ratios
are weighted, not summed, by weights fitted on pairs of known people (`python -m benchmarks.fusion` writes
models/fusion.json). A set of calibrations that was never fitted gets the mean of the log ratios: by the inequality of
arithmetic and geometric means it misleads no more often than a likelihood ratio may, however dependent its parts are.
"""

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from facematch.errors import CalibrationMissing


class RuleEntry(TypedDict):
    """One set of calibrations in fusion.json; the file also tells how it was fitted and tested."""

    weights: dict[str, float]
    limits: dict[str, float]
    strangers: dict[str, list[float]]


class FusionFile(TypedDict):
    """The part of models/fusion.json that is used here."""

    photos: dict[str, float]
    models: list[RuleEntry]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """How the log10 ratios of one set of models count: sum of weight x ratio, within floor and cap.

    `weights` by calibration id, none negative. `nominal` and `log10_fmr` (m,), rising and falling: how rarely two
    people reach a fused nominal value; None where that was never counted.
    """

    weights: Mapping[str, float]
    floor: float = -math.inf
    cap: float = math.inf
    nominal: NDArray[np.float64] | None = None
    log10_fmr: NDArray[np.float64] | None = None

    def weigh(self, values: Mapping[str, float]) -> float:
        """The sum, not bounded; `values` by calibration id, one for each weight."""
        return math.fsum(weight * values[part] for part, weight in self.weights.items())

    def bound(self, value: float) -> float:
        """The value within what so many people can support."""
        return min(max(value, self.floor), self.cap)

    def share_of_strangers(self, nominal: float) -> float | None:
        """Which share of other people's faces reaches this nominal value; None where it was never counted."""
        if self.nominal is None or self.log10_fmr is None:
            return None
        return float(10 ** np.interp(nominal, self.nominal, self.log10_fmr))


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """The rules by the set of calibrations they were fitted for, and the correlation of photographs of one person."""

    id: str = "mean"
    correlation: float = 1.0
    rules: Mapping[frozenset[str], Rule] = field(default_factory=dict)

    def rule(self, parts: Collection[str]) -> Rule:
        """The rule for a set of calibration ids: fitted, or the mean."""
        fitted = self.rules.get(frozenset(parts))
        return fitted or Rule({part: 1 / len(parts) for part in parts})

    def name(self, parts: Collection[str]) -> str:
        """The calibration id of what comes out: all parts, and this fusion."""
        return f"{'+'.join(sorted(parts))}@{self.id}"

    def gather(self, values: Sequence[float]) -> float:
        """One log10 ratio for those of several photographs of a person, not bounded.

        The mean of the ratios holds however dependent they are (Vovk and Wang 2021, Annals of Statistics 49(3),
        1736-1754) and lies near the best one, so a photograph that shows little takes little away. To it comes what
        equally correlated witnesses add to their mean log ratio, which stays below 1 / correlation - 1 of it for any
        number of photographs.
        """
        count, best = len(values), max(values)
        likely = best + math.log10(math.fsum(10 ** (value - best) for value in values) / count)
        return likely + self.gain(count) * math.fsum(values) / count

    def gain(self, photos: int) -> float:
        """What share of their mean log ratio so many photographs add."""
        return photos / (1 + (photos - 1) * self.correlation) - 1

    def across_photos(self, ratios: Sequence[tuple[str, float]]) -> float:
        """The same for (calibration, log10 ratio) of each photograph, within what their calibrations can support.

        A calibration whose limits are not known supports no more than it said itself.
        """
        rules = [self.rule(parts_of(calibration)) for calibration, _ in ratios]
        values = [value for _, value in ratios]
        floor = min(value if math.isinf(rule.floor) else rule.floor for rule, value in zip(rules, values, strict=True))
        cap = max(value if math.isinf(rule.cap) else rule.cap for rule, value in zip(rules, values, strict=True))
        return min(max(self.gather(values), floor), cap)


def parts_of(calibration: str) -> frozenset[str]:
    """The calibration ids that a name made by Fusion.name, or a plain id, stands for."""
    return frozenset(calibration.partition("@")[0].split("+"))


def read_fusion(models_dir: Path) -> Fusion:
    """Read models/fusion.json; without one every set gets the mean. CalibrationMissing when it is damaged."""
    path = models_dir / "fusion.json"
    if not path.is_file():
        return Fusion()
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise CalibrationMissing(contract="fusion", problem=type(trouble).__name__) from trouble


def content_id(content: object) -> str:
    """The first 12 hex digits of the SHA-256 of the content, whatever its layout on disk."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _parse(content: FusionFile) -> Fusion:
    correlation = float(content["photos"]["correlation"])
    if not 0 < correlation <= 1:
        raise ValueError("a correlation that is none")
    rules = [_rule(entry) for entry in content["models"]]
    return Fusion(content_id(content), correlation, {frozenset(rule.weights): rule for rule in rules})


def _rule(entry: RuleEntry) -> Rule:
    nominal, log10_fmr = (np.asarray(entry["strangers"][name], np.float64) for name in ("nominal", "log10_fmr"))
    if nominal.shape != log10_fmr.shape or not (np.isfinite(nominal).all() and np.isfinite(log10_fmr).all()):
        raise ValueError("curves of different lengths, or holes in them")
    if (np.diff(nominal) <= 0).any() or (np.diff(log10_fmr) > 0).any():
        raise ValueError("a nominal value that does not rise, or a rate that rises with it")
    if not entry["weights"] or not all(0 <= weight < math.inf for weight in entry["weights"].values()):
        raise ValueError("weights that speak against their own model")
    limits = entry["limits"]
    return Rule(entry["weights"], limits["floor"], limits["cap"], nominal, log10_fmr)
