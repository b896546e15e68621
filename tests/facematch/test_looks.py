"""What makes a look cheap changes nothing of what it sees: each short cut beside its plain twin."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facematch.bundle import Pixels
from facematch.candidates import Candidates
from facematch.engine import as_input
from facematch.families import FAMILIES, STRIDES
from facematch.recheck import warped

Floats = NDArray[np.float32]
SIDE = 64


def _drawn(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (127.5, 1 / 128), (127.5, 1 / 127.5)])
@pytest.mark.parametrize("colour", ["bgr", "rgb"])
def test_a_picture_becomes_the_numbers_that_opencv_makes_of_it(mean: float, scale: float, colour: str) -> None:
    pictures = _drawn(1, 3, 40, 56, 3)
    theirs = cv2.dnn.blobFromImages(list(pictures), scale, mean=(mean,) * 3, swapRB=colour == "rgb")
    assert np.array_equal(as_input(pictures, Pixels(mean=mean, scale=scale, colour=colour)), theirs)


@pytest.mark.parametrize("beyond", [cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT])
def test_a_face_turned_through_four_channels_has_the_pixels_of_three(beyond: int) -> None:
    picture = _drawn(2, 90, 120, 3)
    matrix = np.asarray(cv2.getRotationMatrix2D((50, 40), 33, 1.7), np.float64)
    plain = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=beyond)
    assert np.array_equal(warped(picture, matrix, SIDE, beyond=beyond), plain)


def _outputs_of_yunet(seed: int) -> list[Floats]:
    random, cells = np.random.default_rng(seed), [(SIDE // stride) ** 2 for stride in STRIDES]
    scores = [random.random((1, count, 1), dtype=np.float32) for _ in range(2) for count in cells]
    offsets = [random.normal(0, 1, (1, count, width)).astype(np.float32) for width in (4, 10) for count in cells]
    return scores + offsets


def _decoded_by_hand(outputs: list[Floats], confidence: float) -> list[tuple[float, ...]]:
    """OpenCV's postProcess, one cell after the other: confidence, x, y, width, height, first landmark."""
    faces = []
    for level, stride in enumerate(STRIDES):
        certain, present, boxes, points = (outputs[level + 3 * kind][0] for kind in range(4))
        for cell in range(len(certain)):
            score = float(np.sqrt(certain[cell, 0] * present[cell, 0]))
            if score < confidence:
                continue
            row, column = divmod(cell, SIDE // stride)
            width, height = np.exp(boxes[cell, 2:]) * stride
            x, y = (column + boxes[cell, 0]) * stride, (row + boxes[cell, 1]) * stride
            mark = (points[cell, :2] + (column, row)) * stride
            faces.append((score, x - width / 2, y - height / 2, width, height, *mark))
    return faces


def _as_rows(found: Candidates) -> Floats:
    sizes = found.corners[:, 2:] - found.corners[:, :2]
    return np.column_stack([found.confidence, found.corners[:, :2], sizes, found.landmarks[:, 0]])


@pytest.mark.parametrize("confidence", [0.1, 0.7, 0.9])
def test_only_sure_cells_are_decoded_and_to_the_same_faces(confidence: float) -> None:
    outputs = _outputs_of_yunet(3)
    expected = _decoded_by_hand(outputs, confidence)
    found = FAMILIES["yunet"].decode(outputs, SIDE, confidence)
    assert len(expected) > 0
    assert np.allclose(_as_rows(found), np.array(expected), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("family", ["yunet", "scrfd"])
def test_outputs_without_a_face_give_none(family: str) -> None:
    counts = [(SIDE // stride) ** 2 * (1 if family == "yunet" else 2) for stride in STRIDES]
    widths = (1, 1, 4, 10) if family == "yunet" else (1, 4, 10)
    outputs = [np.zeros((1, count, width), np.float32) for width in widths for count in counts]
    assert len(FAMILIES[family].decode(outputs, SIDE, 0.1)) == 0
