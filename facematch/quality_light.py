"""The components of quality that are read off the face's own pixels: light, colour, sharpness, compression. It never
asks where the face stands in the picture.
"""

import math

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from facematch.align import similarity
from facematch.quality_scale import sigmoid
from facematch.types import UNKNOWN, BgrImage, Box, Crop, Landmarks

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

# OFIQ aligns a face to these five points of a 616 x 616 picture (utils.cpp, alignImage).
_OFIQ_POINTS = np.array([[251, 272], [364, 272], [308, 336], [262, 402], [355, 402]], np.float32)
_ZONE = 33  # side of its two cheek zones: 0.3 of the distance between the eyes (image_utils.cpp)
_ZONE_CORNERS = ((251, 337), (364 - _ZONE, 337))  # half-way down from the eyes to the mouth

# sRGB to linear light (IEC 61966-2-1) and BT.709 luminance of blue, green, red
_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS > 0.04045, ((_STEPS + 0.055) / 1.055) ** 2.4, _STEPS / 12.92)
_LUMINANCE = np.array([0.0722, 0.7152, 0.2126])
_LUMINANCE_STEPS = np.ascontiguousarray(255 * _LINEAR[None, :, None] * _LUMINANCE)  # (1, 256, 3), as cv2.LUT wants it
_SUM = np.ones((1, 3))


def _face_mask() -> Bytes:
    """The face without forehead and hair in an aligned crop: an ellipse from brows to chin. Ours, for OFIQ's hull."""
    rows, columns = np.mgrid[0:112, 0:112]
    return np.asarray(((columns - 56) / 34) ** 2 + ((rows - 78) / 40) ** 2 <= 1, np.uint8)


_FACE = _face_mask()
_FACE_PLACES = np.flatnonzero(_FACE)


def of_light(crop: Crop) -> dict[str, float]:
    """Luminance.cpp, UnderExposurePrevention.cpp, OverExposurePrevention.cpp, DynamicRange.cpp, on a crop."""
    shares = _shares(np.take(crop.reshape(-1, 3), _FACE_PLACES, axis=0))
    mean = float(shares @ _STEPS)
    variance = float(shares @ (_STEPS - mean) ** 2)
    dark, bright = float(shares[:26].sum()), float(shares[247:].sum())
    some = shares[shares > 0]
    return {
        "LuminanceMean": 100 * sigmoid(mean, 0.2, 0.05) * (1 - sigmoid(mean, 0.8, 0.05)),
        "LuminanceVariance": 100 * math.sin(60 * variance / (60 * variance + 1) * math.pi),
        "UnderExposurePrevention": max(0.0, 120 * (0.832 - sigmoid(dark, 0.92, 0.05))),
        "OverExposurePrevention": 1 / (bright + 0.01),
        "DynamicRange": 12.5 * float(-(some @ np.log2(some))),
    }


def _shares(pixels: Bytes) -> Floats:
    """Histogram of luminance over 256 steps, summing to 1, of pixels (n, 3)."""
    luminance = cv2.transform(cv2.LUT(pixels[:, None], _LUMINANCE_STEPS), _SUM)
    steps = np.rint(luminance).ravel().astype(np.intp)
    shares: Floats = np.bincount(steps, minlength=256) / len(steps)
    return shares


def sharpness(crop: Crop) -> float:
    """Strength of the finest edges against the contrast of the face, so that light does not count. Ours; OFIQ has a
    random forest. 0.15 is a face of 20 pixels between the eyes blown up, 0.5 a sharp photograph.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    contrast = _deviation(grey)
    if contrast < 1:
        return UNKNOWN
    edges = _deviation(cv2.Laplacian(grey, cv2.CV_32F))
    return 100 * sigmoid(math.log(max(edges, 1e-3) / contrast), math.log(0.28), 0.28)


def _deviation(plane: MatLike) -> float:
    return float(cv2.meanStdDev(plane, mask=_FACE)[1][0, 0])


def compression(image: BgrImage, box: Box) -> float:
    """How much the steps across one column (row) in eight stand out, as the blocks of JPEG do; at most 256 x 256 pixels
    round the middle of the face. Ours; OFIQ runs a network. Blind to blocks that were scaled since.
    """
    x, y = int(box.x + box.width / 2), int(box.y + box.height / 2)
    half_width, half_height = int(min(128, box.width / 2)), int(min(128, box.height / 2))
    part = image[max(0, y - half_height) : max(0, y + half_height), max(0, x - half_width) : max(0, x + half_width)]
    if min(part.shape[:2]) < 32:
        return UNKNOWN
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    across = _standing_out(_mean_steps(grey[:, 1:], grey[:, :-1], along=0))
    down = _standing_out(_mean_steps(grey[1:], grey[:-1], along=1))
    return 100 * (1 - sigmoid(math.sqrt(across * down), 1.6, 0.15))


def _mean_steps(after: MatLike, before: MatLike, *, along: int) -> Floats:
    means = cv2.reduce(cv2.absdiff(after, before), along, cv2.REDUCE_AVG, dtype=cv2.CV_64F)
    return np.asarray(means, np.float64).ravel()


def _standing_out(steps: Floats) -> float:
    """The largest of the eight phases' mean steps over their median; 1 where none stands out."""
    phases = np.sort(steps[: len(steps) // 8 * 8].reshape(-1, 8).mean(axis=0))
    return float((phases[-1] + 0.2) / ((phases[3] + phases[4]) / 2 + 0.2))


def of_cheeks(image: BgrImage, landmarks: Landmarks) -> dict[str, float]:
    """IlluminationUniformity.cpp and NaturalColour.cpp on the two cheek zones of the face aligned as OFIQ aligns it."""
    matrix = similarity(landmarks, _OFIQ_POINTS)
    zones = []
    for across, down in _ZONE_CORNERS:
        moved = matrix - np.array([[0, 0, across], [0, 0, down]])
        zone = cv2.warpAffine(image, moved, (_ZONE, _ZONE), borderMode=cv2.BORDER_REPLICATE)
        zones.append(np.asarray(zone, np.uint8).reshape(-1, 3))
    common = float(np.minimum(_shares(zones[0]), _shares(zones[1])).sum())
    return {"IlluminationUniformity": 100 * common**0.3, "NaturalColour": _natural_colour(np.concatenate(zones))}


def _natural_colour(pixels: Bytes) -> float:
    """How far the mean colour of pixels (n, 3) lies outside that of skin; a picture without colours says nothing."""
    blue, green, red = cv2.split(pixels[:, None])
    if max(float(cv2.norm(one, other, cv2.NORM_INF)) for one, other in ((blue, green), (green, red), (red, blue))) <= 2:
        return UNKNOWN
    a, b = _lab(np.array(cv2.mean(pixels[:, None])[:3]))
    if a < 0 or b < 0:
        return 0.0
    outside = math.hypot(max(0.0, 5 - a, a - 25), max(0.0, 5 - b, b - 35))
    return 200 * (1 - sigmoid(outside, 0, 10))


def _lab(bgr: Floats) -> tuple[float, float]:
    """CIELAB a* and b* under D50 of one colour of 0..255 (image_utils.cpp, ConvertBGRToCIELAB)."""
    blue, green, red = np.interp(bgr / 255, _STEPS, _LINEAR).tolist()
    x = (0.43605 * red + 0.38508 * green + 0.14309 * blue) / 0.964221
    y = 0.22249 * red + 0.71689 * green + 0.06062 * blue
    z = (0.01393 * red + 0.09710 * green + 0.71419 * blue) / 0.825211
    fx, fy, fz = (math.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return 500 * (fx - fy), 200 * (fy - fz)
