"""Faces are found whether they fill the picture or are lost in it, and merging keeps the surest."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from insightface.data import get_image
from skimage import data

from facematch.candidates import Candidates, merge
from facematch.extractor import Extractor
from facematch.types import BgrImage, Detection


@pytest.fixture(scope="module")
def group() -> BgrImage:
    """Six people, 1280 x 886; the picture comes with insightface."""
    return np.asarray(get_image("t1"), dtype=np.uint8)


@pytest.fixture(scope="module")
def portrait() -> BgrImage:
    """One person, 512 x 512, face of about 100 pixels; the picture comes with scikit-image."""
    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture(params=["opencv_zoo", "buffalo_sc"])
def eye(request: pytest.FixtureRequest) -> Extractor:
    extractor = request.getfixturevalue(request.param)
    assert isinstance(extractor, Extractor)
    return extractor


def _centre(face: Detection) -> tuple[float, float]:
    return face.box.x + face.box.width / 2, face.box.y + face.box.height / 2


def test_every_person_of_a_group_is_found_surest_first(eye: Extractor, group: BgrImage) -> None:
    faces = eye.detector.find(group)
    assert len(faces) == 6
    assert [face.confidence for face in faces] == sorted((face.confidence for face in faces), reverse=True)


def test_landmarks_come_as_the_viewer_sees_them(eye: Extractor, portrait: BgrImage) -> None:
    (face,) = eye.detector.find(portrait)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.parametrize("side", [300, 1000, 3000])
def test_a_face_that_fills_the_picture_is_found_once(eye: Extractor, portrait: BgrImage, side: int) -> None:
    close = cv2.resize(portrait[50:190, 155:295], (side, side), interpolation=cv2.INTER_CUBIC)
    (face,) = eye.detector.find(np.asarray(close, dtype=np.uint8))
    assert face.box.width > 0.4 * side


def test_a_small_face_in_a_large_picture_is_found(opencv_zoo: Extractor, portrait: BgrImage) -> None:
    canvas = np.full((900, 1280, 3), 128, dtype=np.uint8)
    canvas[700:800, 1100:1200] = cv2.resize(portrait, (100, 100), interpolation=cv2.INTER_AREA)
    (face,) = opencv_zoo.detector.find(canvas)
    assert 15 < face.box.width < 30
    assert 1100 < _centre(face)[0] < 1200


def test_coordinates_are_pixels_of_the_picture_as_given(eye: Extractor, portrait: BgrImage) -> None:
    (face,) = eye.detector.find(portrait)
    double = cv2.resize(portrait, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    (large,) = eye.detector.find(np.asarray(double, dtype=np.uint8))
    assert np.allclose(large.landmarks, 4 * face.landmarks, atol=20)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (33, 31), (640, 640)])
def test_a_picture_without_a_face_gives_none_whatever_its_shape(eye: Extractor, shape: tuple[int, int]) -> None:
    assert eye.detector.find(np.zeros((*shape, 3), dtype=np.uint8)) == []


def test_noise_is_no_face(eye: Extractor) -> None:
    assert eye.detector.find(np.random.default_rng(3).integers(0, 256, (480, 640, 3), dtype=np.uint8)) == []


def _merge_twin(boxes: Sequence[tuple[float, ...]], scores: list[float], overlap: float) -> list[int]:
    """The same rule written as plainly as it can be said."""
    kept: list[int] = []
    for row in sorted(range(len(boxes)), key=lambda row: -scores[row]):
        x1, y1, x2, y2 = boxes[row]
        for other in kept:
            a1, b1, a2, b2 = boxes[other]
            common = max(0.0, min(x2, a2) - max(x1, a1)) * max(0.0, min(y2, b2) - max(y1, b1))
            if common > overlap * ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - common):
                break
        else:
            kept.append(row)
    return kept


CORNER, LENGTH = st.integers(0, 40), st.integers(1, 30)
BOXES = st.lists(st.tuples(CORNER, CORNER, LENGTH, LENGTH), min_size=0, max_size=12)


@settings(max_examples=100, deadline=None)
@given(boxes=BOXES, overlap=st.sampled_from([0.3, 0.4, 0.5]))
def test_merging_keeps_what_its_exact_twin_keeps(boxes: list[tuple[int, int, int, int]], overlap: float) -> None:
    corners = [(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in boxes]
    scores = [1 - row / 100 for row in range(len(boxes))]
    found = Candidates(
        corners=np.array(corners, dtype=np.float64).reshape(-1, 4).astype(np.float32),
        landmarks=np.zeros((len(boxes), 5, 2), dtype=np.float32),
        confidence=np.array(scores, dtype=np.float32),
        seen_px=np.full(len(boxes), 100, dtype=np.float32),
    )
    kept = merge(found, overlap=overlap, pixel_width=0)
    twin = _merge_twin(corners, scores, overlap)
    assert kept.confidence.tolist() == found.confidence[twin].tolist()


def test_of_several_looks_the_one_that_saw_the_face_clearly_comes_before_a_surer_one() -> None:
    found = Candidates(
        corners=np.array([[0, 0, 100, 100], [2, 2, 102, 102]], dtype=np.float32),
        landmarks=np.zeros((2, 5, 2), dtype=np.float32),
        confidence=np.array([0.9, 0.8], dtype=np.float32),
        seen_px=np.array([30, 100], dtype=np.float32),
    )
    assert merge(found, overlap=0.4, pixel_width=0, clear_first=True).seen_px.tolist() == [100]
    assert merge(found, overlap=0.4, pixel_width=0).seen_px.tolist() == [30]
