"""How good a picture of a face is, component by component in the words of ISO/IEC 29794-5. It warns and never refuses.

The formulas follow OFIQ, the standard's reference implementation (github.com/BSI-OFIQ/OFIQ-Project, measures/src, whose
file is named beside each). Where OFIQ runs networks of its own (98 landmarks, sharpness, compression) the stand-in for
them is ours and says so. Components that need further weights are not here.
"""

from facematch.quality_geometry import of_geometry
from facematch.quality_light import compression, of_cheeks, of_light, sharpness
from facematch.types import UNKNOWN, BgrImage, Crop, Detection, Quality


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for "translate me later"
    """Mark a sentence for translation; whoever shows it translates it."""
    return sentence


# For what may be to blame for a poor template; how the head stands in the picture never is.
ADVICE: dict[str, str] = {
    "IlluminationUniformity": N_("One half of the face is darker: turn it so that the light falls from the front."),
    "UnderExposurePrevention": N_("The face is dark: turn it towards a window."),
    "OverExposurePrevention": N_("Parts of the face are burnt out: move out of direct sun, switch off the flash."),
    "DynamicRange": N_("The face shows hardly any shades: wipe the lens and take the photo in better light."),
    "Sharpness": N_("The face is blurred: hold the camera still and tap on the face to focus."),
    "CompressionArtifacts": N_("The picture was compressed hard: use the original file, not a copy from a chat."),
    "NaturalColour": N_("The colours are not those of skin: switch off coloured light and filters."),
    "InterEyeDistance": N_("The face is small: come closer, or use a picture with more pixels."),
    "HeadPoseYaw": N_("The face is turned to the side: ask the person to look into the camera."),
    "HeadPosePitch": N_("The face looks up or down: hold the camera at the height of the eyes."),
    "HeadPoseRoll": N_("The head is tilted: hold the camera level with the eyes."),
}


def assess(image: BgrImage, detection: Detection, crop: Crop, *, faces_in_picture: int, scale: float = 1.0) -> Quality:
    """Judge one face: image (H, W, 3), its detection, its aligned crop (112, 112, 3), faces found in the whole picture.

    `scale` is how many pixels of the full picture one of this image is, where it was decoded smaller: distances count
    in the full picture, and traces of compression, which do not survive scaling, cannot be assessed. Returns components
    of 0..100, rounded to a tenth; -1 where one cannot be assessed.
    """
    height, width = image.shape[:2]
    values = {
        **of_light(crop),
        "Sharpness": sharpness(crop),
        "CompressionArtifacts": compression(image, detection.box) if scale == 1 else UNKNOWN,
        "SingleFacePresent": 100.0 / max(1, faces_in_picture),  # ours: OFIQ compares the sizes of the two largest
        **of_cheeks(image, detection.landmarks),
        **of_geometry(detection.landmarks, height=height, width=width, scale=scale),
    }
    return Quality({name: UNKNOWN if value < 0 else round(min(100.0, value), 1) for name, value in values.items()})
