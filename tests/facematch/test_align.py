"""Alignment finds the one similarity transform, and crops as the reference libraries do."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from facematch.align import TEMPLATES, crop_face, similarity

TARGET = TEMPLATES["arcface-112"]


@settings(max_examples=50, deadline=None)
@given(turn=st.floats(-3.1, 3.1), scale=st.floats(0.05, 20), x=st.floats(-2000, 2000), y=st.floats(-2000, 2000))
def test_a_known_move_is_undone_exactly(turn: float, scale: float, x: float, y: float) -> None:
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    source = (scale * TARGET @ rotation.T + [x, y]).astype(np.float64)
    matrix = similarity(source, TARGET)
    assert np.allclose(source @ matrix[:, :2].T + matrix[:, 2], TARGET, atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(noise=st.lists(st.floats(-40, 40, width=32), min_size=10, max_size=10))
def test_the_transform_is_that_of_the_yardstick(noise: list[float]) -> None:
    source = 3 * TARGET + np.array(noise, dtype=np.float32).reshape(5, 2)
    theirs = SimilarityTransform.from_estimate(source, TARGET).params[:2]
    assert np.allclose(similarity(source, TARGET), theirs, atol=1e-3)  # it computes in single precision


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    mirrored = TARGET * np.array([-1, 1], dtype=np.float32)
    assert np.linalg.det(similarity(mirrored, TARGET)[:, :2]) > 0


def test_a_face_that_already_lies_right_is_cropped_unchanged() -> None:
    picture = np.random.default_rng(1).integers(0, 256, size=(112, 112, 3), dtype=np.uint8)
    assert np.abs(crop_face(picture, TARGET, "arcface-112").astype(int) - picture).max() <= 1


def test_what_lies_outside_the_picture_is_black() -> None:
    white = np.full((112, 112, 3), 255, dtype=np.uint8)
    crop = crop_face(white, TARGET - np.float32(60), "arcface-112")
    assert crop.shape == (112, 112, 3)
    assert crop[:50, :50].max() == 0
    assert crop[70:, 70:].min() == 255


def test_landmarks_that_coincide_give_a_crop_and_no_error() -> None:
    picture = np.full((20, 20, 3), 7, dtype=np.uint8)
    assert crop_face(picture, np.full((5, 2), 10, dtype=np.float32), "arcface-112").shape == (112, 112, 3)


def test_a_turned_and_enlarged_crop_is_found_again() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 256, (112, 112, 3), dtype=np.uint8), (0, 0), 3)
    move = cv2.getRotationMatrix2D((56, 56), 25, 2.0) + np.array([[0, 0, 90], [0, 0, 90]])
    moved = np.asarray(cv2.warpAffine(picture, move, (300, 300)), dtype=np.uint8)
    landmarks = (TARGET @ move[:, :2].T + move[:, 2]).astype(np.float32)
    crop = crop_face(moved, landmarks, "arcface-112")
    assert np.abs(crop.astype(int) - picture)[3:-3, 3:-3].mean() < 1  # the rim is mixed with what lies around it
