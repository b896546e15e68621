"""How good a face's picture is, in words a photographer understands, and what to do better. Warns, never blocks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.gallery.schemas import Usefulness, grade, usefulness
from api.kit.i18n import N_
from facematch.quality import ADVICE

MOST_TOLD = 2
USEFULNESS: dict[Usefulness, str] = {
    "good": N_("Good enough to search with"),
    "usable": N_("Usable; a better picture would help"),
    "poor": N_("Poor: use another picture if there is one"),
}
QUALITY: dict[str, str] = {
    "Sharpness": N_("blurred"),
    "InterEyeDistance": N_("few pixels"),
    "UnderExposurePrevention": N_("too dark"),
    "OverExposurePrevention": N_("too bright"),
    "DynamicRange": N_("little contrast"),
    "IlluminationUniformity": N_("lit from one side"),
    "HeadPoseYaw": N_("turned to the side"),
    "HeadPosePitch": N_("tilted up or down"),
    "HeadPoseRoll": N_("tilted sideways"),
    "CompressionArtifacts": N_("strongly compressed"),
    "NaturalColour": N_("unnatural colours"),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the reader is told about a picture: how useful it is ("" where nobody knows), why, and what to do."""

    word: str
    weaknesses: list[str]
    advice: str


def judgement(quality: Mapping[str, Any], say: Callable[[str], str]) -> Judgement:
    """How good a face's picture is, in the reader's language; advice only where a better picture would help."""
    code, causes = usefulness(quality), _causes(quality)
    told = list(dict.fromkeys(say(QUALITY[name]) for name in causes))[:MOST_TOLD]
    return Judgement(
        word=say(USEFULNESS[code]) if code in USEFULNESS else "",
        weaknesses=told,
        advice=say(ADVICE[causes[0]]) if causes else "",
    )


def _causes(quality: Mapping[str, Any]) -> list[str]:
    """What hurts, worst first; where the bundle's utility is not known, what is poor."""
    if usefulness(quality) != "not_assessed":
        return [name for name in quality.get("causes", ()) if name in QUALITY]
    return sorted((name for name in QUALITY if grade(quality.get(name, -1)) == "poor"), key=lambda name: quality[name])
