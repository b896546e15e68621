"""What is poor about a face's picture, in words a photographer understands. Warns, never blocks."""

from collections.abc import Mapping

from api.gallery.schemas import grade
from api.kit.i18n import N_

MOST_TOLD = 2
QUALITY: dict[str, str] = {
    "Sharpness": N_("blurred"),
    "InterEyeDistance": N_("few pixels"),
    "UnderExposurePrevention": N_("too dark"),
    "OverExposurePrevention": N_("too bright"),
    "DynamicRange": N_("little contrast"),
    "IlluminationUniformity": N_("lit from one side"),
    "LuminanceMean": N_("too dark or too bright"),
    "LuminanceVariance": N_("little contrast"),
    "HeadPoseYaw": N_("turned to the side"),
    "HeadPosePitch": N_("tilted up or down"),
    "HeadPoseRoll": N_("tilted sideways"),
    "HeadSize": N_("face small in the picture"),
    "CompressionArtifacts": N_("strongly compressed"),
    "NaturalColour": N_("unnatural colours"),
}


def weaknesses(quality: Mapping[str, float]) -> list[str]:
    """What is poor about a face's picture, in English words: the worst two at most."""
    poor = sorted((value, name) for name, value in quality.items() if grade(value) == "poor")
    return list(dict.fromkeys(QUALITY[name] for _, name in poor if name in QUALITY))[:MOST_TOLD]
