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


def crop_face(image: BgrImage, landmarks: Landmarks, template: str, *, shrink: int = 1) -> Crop:
    """Move, turn and scale the picture (never stretch it) so that five landmarks (5, 2) meet the named template.

    The image may be a view at one `shrink`-th of the picture that the landmarks belong to. Returns (112, 112, 3) uint8;
    what lies outside the picture is black. A face more than twice too large is averaged down first: each pixel of the
    crop would otherwise be picked from among many, and noise picked with it (faces blown up ten times with a camera's
    noise: cosine to the original 0.98 picked, 0.998 averaged).
    """
    matrix = similarity(_in_view(landmarks, shrink), TEMPLATES[template])
    times = int(1 / max(scale_of(matrix), 1e-3))
    if times > 1:
        image, corner = _averaged_about(image, matrix, times)
        matrix = similarity(_in_view(_in_view(landmarks, shrink) - corner, times), TEMPLATES[template])
    return np.asarray(cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def scale_of(matrix: NDArray[np.float64]) -> float:
    """Pixels of the crop for one pixel of the picture, of a matrix that `similarity` gave."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def similarity(source: Landmarks, target: Landmarks) -> NDArray[np.float64]:
    """The (2, 3) matrix of rotation, scale and shift that brings points (n, 2) closest to their targets.

    Least squares after Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE PAMI 13 (1991), in the plane, where turning and scaling is multiplying by one complex number and needs no
    singular values. Points that all coincide give scale 0: a crop of one colour.
    """
    here, there = _as_complex(source), _as_complex(target)
    middle, aim = here.mean(), there.mean()
    here = here - middle
    spread = np.vdot(here, here).real
    turn = complex(np.vdot(here, there - aim) / spread) if spread > 0 else 0j
    shift = complex(aim - turn * middle)
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _as_complex(points: Landmarks) -> NDArray[np.complex128]:
    return np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]


def _in_view(landmarks: Landmarks, shrink: int) -> Landmarks:
    """Points of a picture in its view at one `shrink`-th: whole numbers are the middles of pixels in both."""
    return landmarks if shrink == 1 else (landmarks + np.float32(0.5)) / np.float32(shrink) - np.float32(0.5)


def _averaged_about(image: BgrImage, matrix: NDArray[np.float64], times: int) -> tuple[BgrImage, Landmarks]:
    """What the crop will see, each pixel the mean of `times` x `times`, and where in the image its corner lies."""
    corners = np.array([[0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]]).T
    seen = cv2.invertAffineTransform(matrix) @ corners
    limits = np.array([image.shape[1], image.shape[0]])
    first = np.clip(np.floor(seen.min(axis=1)).astype(int) - 2 * times, 0, limits - 1)
    last = np.clip(np.ceil(seen.max(axis=1)).astype(int) + 2 * times, first + 1, limits)
    size = np.maximum(1, (last - first) // times)
    x, y = np.minimum(first + size * times, limits)
    part = image[first[1] : y, first[0] : x]
    small = cv2.resize(part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), first.astype(np.float32)
