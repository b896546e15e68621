"""How well a template will match, as one number, and which component of quality hurts it most. It refuses no picture.

The number is the share of good pictures of the same person that a face would be recognised with, at a threshold where
one stranger in 10,000 is taken for that person. It is read off the network itself: the less a network makes of a face,
the shorter the vector it gives, and the norm before normalisation falls with every kind of damage (see "MagFace", Meng
et al. 2021). No component of ISO/IEC 29794-5, nor all together, predicts nearly as well; only a head turned away shows
less of itself than the norm admits, and costs extra. What the norm cannot say is why it is short; that the components
say, each weighed by what it costs.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from facematch.errors import BundleInvalid
from facematch.types import UNKNOWN, Quality

GOOD = 90.0  # nine of ten good pictures of the person are recognised: nothing to advise
# A component that has fallen so far (0..1) below where harm begins explains others that it drags along: a tiny face is
# never sharp, a dark one has few shades.
DRAGS_ALONG: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "InterEyeDistance": (0.5, ("Sharpness", "CompressionArtifacts")),
    "UnderExposurePrevention": (0.5, ("DynamicRange",)),
    "OverExposurePrevention": (0.5, ("DynamicRange",)),
    "IlluminationUniformity": (0.9, ("Sharpness", "DynamicRange")),
}
LEAST_HURT = 0.25  # of a unit of log odds: less explains nothing
BESIDE_THE_WORST = 0.5  # of what the worst costs must a further cause cost


@dataclass(frozen=True, slots=True)
class Harm:
    """A component's value 0..100 below which it hurts, and the log odds it costs at 0."""

    begins: float
    weight: float

    def depth(self, value: float) -> float:
        """How far a value lies below where harm begins, 0..1; what could not be assessed accuses nobody."""
        return 0.0 if value < 0 else max(0.0, 1 - value / self.begins)


@dataclass(frozen=True, slots=True)
class Utility:
    """What one contract's norms are worth: log odds = offset + log_norm * ln(norm), less what `pose` costs.

    `harms` are the components that can explain a low value.
    """

    offset: float
    log_norm: float
    pose: Mapping[str, Harm]
    harms: Mapping[str, Harm]

    def rate(self, quality: Quality, *, norm: float) -> Quality:
        """The quality with its utility 0..100 and, where that is not good, its causes, worst first.

        norm: of the template before normalisation; a template without one (0, not finite) leaves the utility unknown.
        """
        if not (norm > 0 and math.isfinite(norm)):
            return quality
        turned = sum(harm.weight * harm.depth(quality.components[name]) for name, harm in self.pose.items())
        odds = self.offset + self.log_norm * math.log(norm) - turned
        value = round(100 / (1 + math.exp(-min(max(odds, -50.0), 50.0))), 1)
        causes = () if value >= GOOD else self.causes(quality.components)
        return Quality(quality.components, value, causes)

    def causes(self, components: Mapping[str, float]) -> tuple[str, ...]:
        """The components that hurt, the worst first; none where nothing is found that would explain harm."""
        depths = {name: harm.depth(components.get(name, UNKNOWN)) for name, harm in self.harms.items()}
        costs = {name: self.harms[name].weight * depth for name, depth in depths.items()}
        for cause, (depth, dragged) in DRAGS_ALONG.items():
            if depths.get(cause, 0.0) >= depth:
                costs[cause] += sum(costs.pop(name, 0.0) for name in dragged)
        least = max(LEAST_HURT, BESIDE_THE_WORST * max(costs.values(), default=0.0))
        return tuple(sorted((name for name in costs if costs[name] >= least), key=lambda name: -costs[name]))


def read_utility(path: Path, *, contract: str) -> Utility | None:
    """Read a utility.json; None where there is none for this contract. Raises BundleInvalid for a damaged one."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        pose, harms = ({name: Harm(**harm) for name, harm in content[part].items()} for part in ("pose", "harms"))
        utility = Utility(**content["predictor"], pose=pose, harms=harms)
        return utility if content["contract"] == contract else None
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise BundleInvalid(bundle=path.parent.name, problem=f"utility.json: {type(broken).__name__}") from broken
