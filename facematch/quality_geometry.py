"""The components of quality that follow from where eyes, nose and mouth lie in the picture. It never reads a pixel."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facematch.align import TEMPLATES
from facematch.quality_scale import sigmoid
from facematch.types import UNKNOWN, Landmarks

Floats = NDArray[np.float64]

NAMES = (
    "InterEyeDistance",
    "HeadSize",
    "LeftwardCropOfTheFaceImage",
    "RightwardCropOfTheFaceImage",
    "MarginAboveOfTheFaceImage",
    "MarginBelowOfTheFaceImage",
    "HeadPoseYaw",
    "HeadPosePitch",
    "HeadPoseRoll",
)

# The mean face in units of the eye distance: x and y are those of the alignment template; depths, and the way from the
# eyes to the chin over that to the mouth, are those of insightface's mean shape (meanshape_68.pkl). Ours.
_DEPTHS = (0.0, 0.0, -0.53, -0.12, -0.12)
_CHIN_OVER_MOUTH = 1.62


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Pixels and cosines of one face: eyes, distance between them, eyes to chin, turn of the head."""

    eyes: tuple[tuple[float, float], tuple[float, float]]  # the viewer's left one first
    between_eyes: float
    eyes_to_chin: float
    turn: tuple[float, float, float]  # cosines of yaw, pitch and roll


def of_geometry(landmarks: Landmarks, *, height: int, width: int, scale: float) -> dict[str, float]:
    """InterEyeDistance.cpp, HeadSize.cpp, CropOfTheFaceImage.cpp (margins by their names of 2025), HeadPose.cpp.

    For landmarks (5, 2) in a picture of height x width; `scale` is how many pixels of the full picture one of them is.
    """
    face = _geometry(landmarks)
    if face is None:
        return dict.fromkeys(NAMES, UNKNOWN)
    (left_x, left_y), (right_x, right_y) = face.eyes
    middle_y = (left_y + right_y) / 2
    size = abs(face.eyes_to_chin / height - 0.45)
    values = (
        100 * sigmoid(scale * face.between_eyes / max(0.2, face.turn[0]), 70, 20),
        200 * (1 - sigmoid(size, 0, 0.05)),
        100 * sigmoid(left_x / face.between_eyes, 0.9, 0.1),
        100 * sigmoid((width - right_x) / face.between_eyes, 0.9, 0.1),
        100 * sigmoid(middle_y / face.eyes_to_chin, 1.4, 0.1),
        100 * sigmoid((height - middle_y) / face.eyes_to_chin, 1.8, 0.1),
        *(100 * cosine**2 for cosine in face.turn),
    )
    return dict(zip(NAMES, values, strict=True))


def _geometry(landmarks: Landmarks) -> _Geometry | None:
    """Weak perspective: the affine map of the mean face that meets the landmarks best, then its nearest rotation."""
    points = landmarks.astype(np.float64)
    left, right = points[:2].tolist()
    between_eyes = math.dist(left, right)
    if not between_eyes >= 2 or not np.isfinite(points).all():
        return None
    moved, _, kept = np.linalg.svd((_TO_AFFINE @ points).T, full_matrices=False)
    across, down = (moved @ kept).tolist()
    towards = _normal(across, down)
    to_mouth = (points[3] + points[4] - points[0] - points[1]) / 2
    return _Geometry(
        eyes=((left[0], left[1]), (right[0], right[1])),
        between_eyes=between_eyes,
        eyes_to_chin=max(1.0, _CHIN_OVER_MOUTH * math.hypot(*to_mouth.tolist())),
        turn=(
            math.sqrt(max(0.0, 1 - towards[0] ** 2)),
            math.cos(math.atan2(towards[1], towards[2])),
            math.cos(math.atan2(down[0], across[0])),
        ),
    )


def _normal(across: list[float], down: list[float]) -> tuple[float, float, float]:
    """Cross product of the first two rows of a rotation: its third."""
    (a, b, c), (d, e, f) = across, down
    return b * f - c * e, c * d - a * f, a * e - b * d


def _affine_solver() -> Floats:
    """(3, 5): landmarks of a face to the transposed affine map, less its shift, that takes the mean face there."""
    flat = TEMPLATES["arcface-112"].astype(np.float64)
    flat = (flat - flat[:2].mean(axis=0)) / np.linalg.norm(flat[1] - flat[0])
    solver: Floats = np.linalg.pinv(np.column_stack([flat, _DEPTHS, np.ones(5)]))[:3]
    return solver


_TO_AFFINE = _affine_solver()
