"""Photos of twelve megapixels: decoded small where that is enough, in full where a face asks for it, and seen alike."""

import cv2
import numpy as np
import pytest

from facematch import images
from facematch.align import crop_face
from facematch.extractor import Extractor
from facematch.types import BgrImage, Detection
from tests.facematch import pictures

ALIGNMENT = "arcface-112"


def _photo(face_sides: list[int]) -> bytes:
    """A JPEG of 4000 x 3000 with a camera's noise and the face at these sizes in a row, 250 pixels apart."""
    ground = np.full((3000, 4000, 3), (90, 110, 120), np.float32)
    left = 200
    for side in face_sides:
        face = cv2.resize(pictures.astronaut(512)[:, :, ::-1], (side, side), interpolation=cv2.INTER_CUBIC)
        ground[100 : 100 + side, left : left + side] = face
        left += side + 250
    grain = cv2.randn(np.empty((1500, 2000, 3), np.float32), (0, 0, 0), (8, 8, 8))
    noisy = ground + cv2.resize(grain, (4000, 3000))
    return pictures.jpeg(np.clip(noisy, 0, 255).astype(np.uint8)[:, :, ::-1], quality=90, subsampling=2)


def _seen_in_full(eye: Extractor, image: BgrImage) -> Detection:
    return max(eye.detector.find(image), key=lambda found: found.box.width)


@pytest.fixture(scope="module")
def portrait() -> bytes:
    return _photo([2600])


@pytest.fixture(scope="module")
def group() -> bytes:
    """One large face and one of 45 pixels between the eyes: made half as large, it would have to be enlarged."""
    return _photo([1800, 512])


def test_a_large_portrait_gives_the_template_of_its_full_decoding(opencv_zoo: Extractor, portrait: bytes) -> None:
    _, (face,) = opencv_zoo.faces_in(portrait)
    whole = images.read(portrait)
    crop = crop_face(whole, _seen_in_full(opencv_zoo, whole).landmarks, ALIGNMENT)
    assert float(face.templates[opencv_zoo.contract] @ opencv_zoo.embed([crop])[0]) > 0.99


def test_faces_lie_where_they_lie_in_the_whole_photo(opencv_zoo: Extractor, portrait: bytes) -> None:
    picture, (face,) = opencv_zoo.faces_in(portrait)
    assert picture.shape == (3000, 4000, 3)
    assert np.abs(face.detection.landmarks - _seen_in_full(opencv_zoo, picture.pixels()).landmarks).max() < 6
    assert face.quality.components["InterEyeDistance"] > 99


def test_a_large_face_is_cropped_from_the_small_decoding(opencv_zoo: Extractor, portrait: bytes) -> None:
    picture, (face,) = opencv_zoo.faces_in(portrait)
    shrink = opencv_zoo.sight(picture)
    assert shrink > 1
    small = images.open_picture(portrait).view(shrink)
    assert np.array_equal(face.crop, crop_face(small, face.detection.landmarks, ALIGNMENT, shrink=shrink))


def test_a_small_face_is_cropped_from_the_full_decoding(opencv_zoo: Extractor, group: bytes) -> None:
    _, faces = opencv_zoo.faces_in(group)
    assert len(faces) == 2
    whole = images.read(group)
    for face in faces:
        assert np.array_equal(face.crop, crop_face(whole, face.detection.landmarks, ALIGNMENT))


def test_a_photo_to_be_stored_is_seen_as_one_that_is_not(opencv_zoo: Extractor, portrait: bytes) -> None:
    picture = images.open_picture(portrait)
    picture.clean()
    (stored,), (probed,) = opencv_zoo.faces_of(picture), opencv_zoo.faces_in(portrait)[1]
    contract = opencv_zoo.contract
    assert float(stored.templates[contract] @ probed.templates[contract]) > 0.995


def test_a_face_of_a_thousand_pixels_is_averaged_down_to_its_crop(opencv_zoo: Extractor) -> None:
    image = images.read(pictures.jpeg(pictures.astronaut(512)))
    found = _seen_in_full(opencv_zoo, image)
    grain = cv2.randn(np.empty((512 * 6, 512 * 6, 3), np.float32), (0, 0, 0), (16, 16, 16))
    large = np.clip(cv2.resize(image, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC) + grain, 0, 255).astype(np.uint8)
    moved = (found.landmarks + np.float32(0.5)) * 6 - np.float32(0.5)
    crops = [crop_face(image, found.landmarks, ALIGNMENT), crop_face(large, moved, ALIGNMENT)]
    small, averaged = opencv_zoo.embed(crops)
    assert float(small @ averaged) > 0.98
