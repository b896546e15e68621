"""How good a picture of a face is, component by component in the words of ISO/IEC 29794-5. It warns and never refuses.

The formulas follow OFIQ, the standard's reference implementation (github.com/BSI-OFIQ/OFIQ-Project, measures/src, whose
file is named beside each). Where OFIQ runs networks of its own (98 landmarks, sharpness, compression) the stand-in for
them is ours and says so. Components that need further weights are not here.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch.align import TEMPLATES, similarity
from facematch.types import BgrImage, Box, Crop, Detection, Landmarks, Quality

UNKNOWN = -1.0  # FailureToAssess

Floats = NDArray[np.float64]


def N_(sentence: str) -> str:  # noqa: N802 - gettext's own name for "translate me later"
    """Mark a sentence for translation; whoever shows it translates it."""
    return sentence


ADVICE: dict[str, str] = {
    "IlluminationUniformity": N_("One half of the face is darker: turn it so that the light falls from the front."),
    "LuminanceMean": N_("The face is too dark or too bright: move it into soft daylight."),
    "LuminanceVariance": N_("The light is very hard or very flat: move to even daylight, without flash."),
    "UnderExposurePrevention": N_("The face is dark: turn it towards a window."),
    "OverExposurePrevention": N_("Parts of the face are burnt out: move out of direct sun, switch off the flash."),
    "DynamicRange": N_("The face shows hardly any shades: wipe the lens and take the photo in better light."),
    "Sharpness": N_("The face is blurred: hold the camera still and tap on the face to focus."),
    "CompressionArtifacts": N_("The picture was compressed hard: use the original file, not a copy from a chat."),
    "NaturalColour": N_("The colours are not those of skin: switch off coloured light and filters."),
    "SingleFacePresent": N_("There are several people in the picture: take one of this person alone."),
    "InterEyeDistance": N_("The face is small: come closer, or use a picture with more pixels."),
    "HeadSize": N_("The head fills too little or too much of the picture: change the distance."),
    "LeftwardCropOfTheFaceImage": N_("The face is cut off on the left: show the whole head."),
    "RightwardCropOfTheFaceImage": N_("The face is cut off on the right: show the whole head."),
    "MarginAboveOfTheFaceImage": N_("The head is cut off at the top: show the whole head."),
    "MarginBelowOfTheFaceImage": N_("The head is cut off at the bottom: show chin and neck."),
    "HeadPoseYaw": N_("The face is turned to the side: ask the person to look into the camera."),
    "HeadPosePitch": N_("The face looks up or down: hold the camera at the height of the eyes."),
    "HeadPoseRoll": N_("The head is tilted: hold the camera level with the eyes."),
}


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Pixels and degrees of one face: eyes, distance between them, eyes to chin, turn of the head."""

    eyes: Floats  # (2, 2), the viewer's left one first
    between_eyes: float
    eyes_to_chin: float
    yaw: float
    pitch: float
    roll: float


# OFIQ aligns a face to these five points of a 616 x 616 picture (utils.cpp, alignImage).
_OFIQ_POINTS = np.array([[251, 272], [364, 272], [308, 336], [262, 402], [355, 402]], np.float32)
_ZONE = 33  # side of its two cheek zones: 0.3 of the distance between the eyes (image_utils.cpp)
_ZONE_CORNERS = ((251, 337), (364 - _ZONE, 337))  # half-way down from the eyes to the mouth

# The mean face in units of the eye distance: x and y are those of the alignment template; depths, and the way from the
# eyes to the chin over that to the mouth, are those of insightface's mean shape (meanshape_68.pkl). Ours.
_DEPTHS = (0.0, 0.0, -0.53, -0.12, -0.12)
_CHIN_OVER_MOUTH = 1.62

# sRGB to linear light (IEC 61966-2-1) and BT.709 luminance of blue, green, red
_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS > 0.04045, ((_STEPS + 0.055) / 1.055) ** 2.4, _STEPS / 12.92)
_LUMINANCE = np.array([0.0722, 0.7152, 0.2126])


def assess(image: BgrImage, detection: Detection, crop: Crop, *, faces_in_picture: int) -> Quality:
    """Judge one face: image (H, W, 3), its detection, its aligned crop (112, 112, 3), faces found in the whole picture.

    Returns components of 0..100, rounded to a tenth; -1 where one cannot be assessed.
    """
    values = {
        **_of_light(crop),
        "Sharpness": _sharpness(crop),
        "CompressionArtifacts": _compression(image, detection.box),
        "SingleFacePresent": 100.0 / max(1, faces_in_picture),  # ours: OFIQ compares the sizes of the two largest
        **_of_cheeks(image, detection.landmarks),
        **_of_geometry(image, detection.landmarks),
    }
    return Quality({name: UNKNOWN if value < 0 else round(min(100.0, value), 1) for name, value in values.items()})


def _sigmoid(value: float, middle: float, width: float) -> float:
    return float(1 / (1 + np.exp(-np.clip((value - middle) / width, -50, 50))))


def _of_light(crop: Crop) -> dict[str, float]:
    """Luminance.cpp, UnderExposurePrevention.cpp, OverExposurePrevention.cpp, DynamicRange.cpp."""
    shares = _shares(crop[_FACE])
    mean = float(shares @ _STEPS)
    variance = float(shares @ (_STEPS - mean) ** 2)
    dark, bright = float(shares[:26].sum()), float(shares[247:].sum())
    some = shares[shares > 0]
    return {
        "LuminanceMean": 100 * _sigmoid(mean, 0.2, 0.05) * (1 - _sigmoid(mean, 0.8, 0.05)),
        "LuminanceVariance": 100 * float(np.sin(60 * variance / (60 * variance + 1) * np.pi)),
        "UnderExposurePrevention": max(0.0, 120 * (0.832 - _sigmoid(dark, 0.92, 0.05))),
        "OverExposurePrevention": 1 / (bright + 0.01),
        "DynamicRange": 12.5 * float(-(some * np.log2(some)).sum()),
    }


def _shares(pixels: NDArray[np.uint8]) -> Floats:
    """Histogram of luminance over 256 steps, summing to 1, of pixels (n, 3)."""
    steps = np.rint(255 * (_LINEAR[pixels] @ _LUMINANCE)).astype(np.intp)
    return np.bincount(steps, minlength=256) / len(steps)


def _face_mask() -> NDArray[np.bool_]:
    """The face without forehead and hair in an aligned crop: an ellipse from brows to chin. Ours, for OFIQ's hull."""
    rows, columns = np.mgrid[0:112, 0:112]
    return np.asarray(((columns - 56) / 34) ** 2 + ((rows - 78) / 40) ** 2 <= 1)


_FACE = _face_mask()


def _sharpness(crop: Crop) -> float:
    """Strength of the finest edges against the contrast of the face, so that light does not count. Ours; OFIQ has a
    random forest. 0.15 is a face of 20 pixels between the eyes blown up, 0.5 a sharp photograph.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    contrast = float(grey[_FACE].std())
    if contrast < 1:
        return UNKNOWN
    edges = float(cv2.Laplacian(grey, cv2.CV_32F)[_FACE].std())
    return 100 * _sigmoid(float(np.log(max(edges, 1e-3) / contrast)), np.log(0.28), 0.28)


def _compression(image: BgrImage, box: Box) -> float:
    """How much the steps across one column (row) in eight stand out, as the blocks of JPEG do; at most 256 x 256 pixels
    round the middle of the face. Ours; OFIQ runs a network. Blind to blocks that were scaled since.
    """
    x, y = int(box.x + box.width / 2), int(box.y + box.height / 2)
    half_width, half_height = int(min(128, box.width / 2)), int(min(128, box.height / 2))
    part = image[max(0, y - half_height) : max(0, y + half_height), max(0, x - half_width) : max(0, x + half_width)]
    if min(part.shape[:2]) < 32:
        return UNKNOWN
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.int16)
    across = _standing_out(np.abs(np.diff(grey, axis=1)).mean(axis=0))
    down = _standing_out(np.abs(np.diff(grey, axis=0)).mean(axis=1))
    return 100 * (1 - _sigmoid(float(np.sqrt(across * down)), 1.6, 0.15))


def _standing_out(steps: Floats) -> float:
    """The largest of the eight phases' mean steps over their median; 1 where none stands out."""
    phases = np.sort(steps[: len(steps) // 8 * 8].reshape(-1, 8).mean(axis=0))
    return float((phases[-1] + 0.2) / (phases[3:5].mean() + 0.2))


def _of_cheeks(image: BgrImage, landmarks: Landmarks) -> dict[str, float]:
    """IlluminationUniformity.cpp and NaturalColour.cpp on the two cheek zones of the face aligned as OFIQ aligns it."""
    matrix = similarity(landmarks, _OFIQ_POINTS)
    zones = []
    for corner in _ZONE_CORNERS:
        moved = matrix - np.array([[0, 0, corner[0]], [0, 0, corner[1]]])
        zone = cv2.warpAffine(image, moved, (_ZONE, _ZONE), borderMode=cv2.BORDER_REPLICATE)
        zones.append(np.asarray(zone, np.uint8).reshape(-1, 3))
    common = float(np.minimum(_shares(zones[0]), _shares(zones[1])).sum())
    return {"IlluminationUniformity": 100 * common**0.3, "NaturalColour": _natural_colour(np.concatenate(zones))}


def _natural_colour(pixels: NDArray[np.uint8]) -> float:
    """How far the mean colour of pixels (n, 3) lies outside that of skin; a picture without colours says nothing."""
    if int(np.ptp(pixels, axis=1).max()) <= 2:
        return UNKNOWN
    a, b = _lab(pixels.mean(axis=0))
    if a < 0 or b < 0:
        return 0.0
    outside = np.hypot(max(0.0, 5 - a, a - 25), max(0.0, 5 - b, b - 35))
    return 200 * (1 - _sigmoid(float(outside), 0, 10))


def _lab(bgr: Floats) -> tuple[float, float]:
    """CIELAB a* and b* under D50 of one colour of 0..255 (image_utils.cpp, ConvertBGRToCIELAB)."""
    blue, green, red = np.interp(bgr / 255, _STEPS, _LINEAR)
    x = (0.43605 * red + 0.38508 * green + 0.14309 * blue) / 0.964221
    y = 0.22249 * red + 0.71689 * green + 0.06062 * blue
    z = (0.01393 * red + 0.09710 * green + 0.71419 * blue) / 0.825211
    fx, fy, fz = (np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return float(500 * (fx - fy)), float(200 * (fy - fz))


def _of_geometry(image: BgrImage, landmarks: Landmarks) -> dict[str, float]:
    """InterEyeDistance.cpp, HeadSize.cpp, CropOfTheFaceImage.cpp (margins by their names of 2025), HeadPose.cpp."""
    face, (height, width) = _geometry(landmarks), image.shape[:2]
    if face is None:
        return dict.fromkeys(_GEOMETRIC, UNKNOWN)
    middle_y = float(face.eyes[:, 1].mean())
    towards_camera = max(0.2, float(np.cos(np.radians(face.yaw))))
    size = abs(face.eyes_to_chin / height - 0.45)
    left, right = face.eyes[0, 0] / face.between_eyes, (width - face.eyes[1, 0]) / face.between_eyes
    above, below = middle_y / face.eyes_to_chin, (height - middle_y) / face.eyes_to_chin
    values = (
        100 * _sigmoid(face.between_eyes / towards_camera, 70, 20),
        200 * (1 - _sigmoid(size, 0, 0.05)),
        100 * _sigmoid(left, 0.9, 0.1),
        100 * _sigmoid(right, 0.9, 0.1),
        100 * _sigmoid(above, 1.4, 0.1),
        100 * _sigmoid(below, 1.8, 0.1),
        *(100 * float(np.cos(np.radians(angle))) ** 2 for angle in (face.yaw, face.pitch, face.roll)),
    )
    return dict(zip(_GEOMETRIC, values, strict=True))


_GEOMETRIC = tuple(ADVICE)[10:]


def _geometry(landmarks: Landmarks) -> _Geometry | None:
    """Weak perspective: the affine map of the mean face that meets the landmarks best, then its nearest rotation."""
    points = landmarks.astype(np.float64)
    between_eyes = float(np.linalg.norm(points[1] - points[0]))
    if between_eyes < 2 or not np.isfinite(points).all():
        return None
    moved, _, kept = np.linalg.svd((_TO_AFFINE @ points)[:3].T, full_matrices=False)
    across, down = moved @ kept
    towards = np.cross(across, down)
    yaw, pitch = np.arcsin(np.clip(-towards[0], -1, 1)), np.arctan2(towards[1], towards[2])
    roll = np.arctan2(down[0], across[0])
    chin = _CHIN_OVER_MOUTH * float(np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0)))
    return _Geometry(points[:2], between_eyes, max(1.0, chin), *np.degrees((yaw, pitch, roll)).tolist())


def _affine_solver() -> Floats:
    """(4, 5): landmarks of a face to the transposed affine map and shift that take the mean face there."""
    flat = TEMPLATES["arcface-112"].astype(np.float64)
    flat = (flat - flat[:2].mean(axis=0)) / np.linalg.norm(flat[1] - flat[0])
    return np.linalg.pinv(np.column_stack([flat, _DEPTHS, np.ones(5)]))


_TO_AFFINE = _affine_solver()
