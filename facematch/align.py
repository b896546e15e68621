"""Turns a face upright into a crop of fixed size by its five landmarks. It never looks at what the face shows."""

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch.types import BgrImage, Crop, Landmarks

# Where the five landmarks lie in a 112 x 112 crop: ArcFace (Deng et al. 2019), the same in insightface's
# face_align.arcface_dst and in OpenCV's FaceRecognizerSF.
TEMPLATES: dict[str, Landmarks] = {
    "arcface-112": np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
        dtype=np.float32,
    )
}
SIDE = 112  # pixels


def crop_face(image: BgrImage, landmarks: Landmarks, template: str) -> Crop:
    """Move, turn and scale the picture (never stretch it) so that five landmarks (5, 2) meet the named template.

    Returns (112, 112, 3) uint8; what lies outside the picture is black.
    """
    matrix = similarity(landmarks, TEMPLATES[template])
    return np.asarray(cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def similarity(source: Landmarks, target: Landmarks) -> NDArray[np.float64]:
    """The (2, 3) matrix of rotation, scale and shift that brings points (n, 2) closest to their targets.

    Least squares after Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE PAMI 13 (1991), equations 40 to 42. Points that all coincide give scale 0: a crop of one colour.
    """
    source, target = source.astype(np.float64), target.astype(np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred = source - source_mean
    left, spread, right = np.linalg.svd((target - target_mean).T @ centred / len(source))
    mirror = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = left @ np.diag(mirror) @ right
    variance = float(centred.var(axis=0).sum())
    scale = float(spread @ mirror) / variance if variance > 0 else 0.0
    shift = target_mean - scale * rotation @ source_mean
    return np.column_stack([scale * rotation, shift])
