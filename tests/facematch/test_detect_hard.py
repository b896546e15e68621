"""Faces that one look misses or misreads: turned, tiny, cut off, dark. Each is found where it is, and nobody where
nobody is, at a cost that is bounded by the number of looks.
"""

import cv2
import numpy as np
import pytest
from insightface.data import get_image
from numpy.typing import NDArray
from skimage import data

from facematch.align import crop_face
from facematch.bundle import default_weights_dir
from facematch.detect import PatientDetector
from facematch.engine import Network, open_session
from facematch.extractor import Extractor
from facematch.looks import Looker
from facematch.recheck import roll_of
from facematch.types import BgrImage, Detection, Landmarks

Floats = NDArray[np.float32]


class Counting:
    """A network that keeps the size of every picture it is asked about."""

    def __init__(self, network: Network) -> None:
        self.network, self.provider = network, network.provider
        self.sizes: list[tuple[int, ...]] = []

    def fitted(self, canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return self.network.fitted(canvas)

    def outputs_of(self, pictures: list[NDArray[np.uint8]]) -> list[Floats]:
        self.sizes += [picture.shape[:2] for picture in pictures]
        return self.network.outputs_of(pictures)


@pytest.fixture(params=["opencv_zoo", "buffalo_sc"])
def eye(request: pytest.FixtureRequest) -> Extractor:
    extractor = request.getfixturevalue(request.param)
    assert isinstance(extractor, Extractor)
    return extractor


@pytest.fixture
def counted(eye: Extractor) -> tuple[PatientDetector, Counting]:
    section = eye.bundle.detector
    path = default_weights_dir() / eye.bundle.name / section.file
    network = Counting(open_session(path, "cpu", threads=1, pixels=section.pixels, sizes=[]))
    return PatientDetector(Looker(section, network)), network


def _portrait(side: int) -> BgrImage:
    """One person; the face is a fifth of the side wide, the eyes a twelfth of it apart."""
    picture = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _template(eye: Extractor, image: BgrImage, face: Detection) -> Floats:
    return eye.embed([crop_face(image, face.landmarks, eye.bundle.recogniser.alignment)])[0]


def _shift(landmarks: Landmarks, truth: Landmarks) -> float:
    """Mean distance of landmarks in eye distances."""
    return float(np.linalg.norm(landmarks - truth, axis=1).mean() / np.linalg.norm(truth[1] - truth[0]))


@pytest.mark.parametrize("degrees", [25, 45, 90, 135, 180, 225, 270, 315])
def test_a_turned_face_is_found_the_right_way_up(eye: Extractor, degrees: int) -> None:
    upright = _portrait(512)
    (known,) = eye.detector.find(upright)
    matrix = cv2.getRotationMatrix2D((256, 256), degrees, 1.0)
    image = np.asarray(cv2.warpAffine(upright, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
    (face,) = eye.detector.find(image)
    truth = (known.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    assert _shift(face.landmarks, truth) < 0.15
    assert float(_template(eye, image, face) @ _template(eye, upright, known)) > 0.85


def test_a_whole_group_upside_down_is_read_upside_down(eye: Extractor) -> None:
    group = np.asarray(get_image("t1"), dtype=np.uint8)
    faces = eye.detector.find(np.ascontiguousarray(group[::-1, ::-1]))
    assert len(faces) == 6
    assert all(abs(roll_of(face.landmarks)) > 135 for face in faces)


def test_tiny_faces_in_a_large_picture_are_found_once_each(eye: Extractor) -> None:
    wall = np.full((1500, 3000, 3), 128, dtype=np.uint8)
    places = [(150, 150), (2700, 200), (1450, 700), (300, 1250), (2650, 1300), (2000, 650)]
    for x, y in places:
        wall[y : y + 160, x : x + 160] = _portrait(160)
    faces = eye.detector.find(wall)
    found = sorted((int(face.landmarks[2, 0]) // 200, int(face.landmarks[2, 1]) // 200) for face in faces)
    nose = eye.detector.find(_portrait(160))[0].landmarks[2]
    assert found == sorted((int(x + nose[0]) // 200, int(y + nose[1]) // 200) for x, y in places)


def test_a_tiny_face_beside_a_large_one_is_found(eye: Extractor) -> None:
    wall = np.full((1500, 2000, 3), 128, dtype=np.uint8)
    wall[100:1300, 100:1300] = _portrait(1200)
    wall[1100:1300, 1700:1900] = _portrait(200)
    assert len(eye.detector.find(wall)) == 2


def test_closer_pixels_are_asked_for_only_where_something_small_may_hide(eye: Extractor) -> None:
    asked = []

    def closer(image: BgrImage) -> BgrImage:
        asked.append(image.shape[1])
        return image

    wall = np.full((1500, 2000, 3), 128, dtype=np.uint8)
    wall[700:820, 900:1020] = _portrait(120)
    small = np.asarray(cv2.resize(wall, (1000, 750), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    (face,) = eye.detector.find(small, closer=lambda: closer(wall))
    assert (face.landmarks[2] > (450, 350)).all()
    assert (face.landmarks[2] < (510, 410)).all()
    eye.detector.find(_portrait(700), closer=lambda: closer(_portrait(1400)))
    assert asked == [2000]


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_face_cut_by_the_border_is_found(eye: Extractor, side: str) -> None:
    upright = _portrait(512)
    (known,) = eye.detector.find(upright)
    x, y = (round(float(value)) for value in known.landmarks[2])
    cut = {
        "left": upright[:, x - 14 :],
        "right": upright[:, : x + 14],
        "top": upright[y - 20 :],
        "bottom": upright[: y + 14],
    }
    faces = eye.detector.find(np.ascontiguousarray(cut[side]))
    shift = {"left": (x - 14, 0), "top": (0, y - 20)}.get(side, (0, 0))
    assert any(_shift(face.landmarks + np.array(shift, np.float32), known.landmarks) < 0.4 for face in faces)


@pytest.mark.parametrize("side", [256, 320])
def test_half_a_small_face_at_the_border_is_found_and_not_turned_by_what_is_not_there(
    eye: Extractor, side: int
) -> None:
    upright = _portrait(side)
    (known,) = eye.detector.find(upright)
    (face,) = eye.detector.find(np.ascontiguousarray(upright[:, : round(known.box.x + known.box.width / 2)]))
    assert np.linalg.norm(face.landmarks - known.landmarks, axis=1).mean() < 0.15 * known.box.width


def test_a_face_cut_off_and_upside_down_keeps_its_own_landmarks(eye: Extractor) -> None:
    upright = _portrait(256)
    box = eye.detector.find(upright)[0].box
    cut = upright[:, : round(box.x + 0.6 * box.width)]
    (face,) = eye.detector.find(np.ascontiguousarray(cut[::-1, ::-1]))
    assert abs(roll_of(face.landmarks)) > 135


@pytest.mark.parametrize(("gain", "base"), [(0.03, 0), (0.05, 110), (0.05, 0), (2.5, 0)])
def test_a_dark_hazy_or_overexposed_face_is_found(eye: Extractor, gain: float, base: float) -> None:
    image = np.clip(_portrait(512).astype(np.float32) * gain + base, 0, 255).astype(np.uint8)
    (known,), (face, *_) = eye.detector.find(_portrait(512)), eye.detector.find(image)
    assert _shift(face.landmarks, known.landmarks) < 0.3


def _people_by_themselves(eye: Extractor) -> list[tuple[BgrImage, Landmarks]]:
    """Six people cut out of a group, and where their landmarks lie."""
    group, alone = np.asarray(get_image("t1"), dtype=np.uint8), []
    for face in eye.detector.find(group):
        x, y, reach = (round(value) for value in (*face.landmarks[2], 1.3 * face.box.height))
        left, top = max(0, x - reach), max(0, y - reach)
        part = np.ascontiguousarray(group[top : y + reach, left : x + reach])
        alone.append((part, face.landmarks - np.array([left, top], np.float32)))
    return alone


def test_a_face_that_lacks_a_third_still_resembles_itself(eye: Extractor) -> None:
    cosines = []
    for picture, _ in _people_by_themselves(eye):
        known = max(eye.detector.find(picture), key=lambda face: face.box.height)
        right, bottom = known.box.x + 0.65 * known.box.width, known.box.y + 0.65 * known.box.height
        for rest in (picture[:, : round(right)], picture[: round(bottom)]):
            cut = np.ascontiguousarray(rest)
            seen = [_template(eye, cut, face) for face in eye.detector.find(cut)]
            cosines.append(max(float(one @ _template(eye, picture, known)) for one in seen))
    assert len(cosines) == 12
    assert np.mean(cosines) > 0.68


def test_faces_in_four_times_too_much_light_are_found(eye: Extractor) -> None:
    people = _people_by_themselves(eye)
    shifts = [
        _shift(face.landmarks, known)
        for picture, known in people
        for face in eye.detector.find(cv2.convertScaleAbs(picture, alpha=4).astype(np.uint8))
    ]
    assert len(people) == 6
    assert len(shifts) >= 5
    assert max(shifts) < 0.3


def test_a_grey_face_is_found(eye: Extractor) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(_portrait(512), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert len(eye.detector.find(np.asarray(grey, dtype=np.uint8))) == 1


@pytest.mark.parametrize("name", ["brick", "coffee", "rocket"])
def test_a_picture_of_nobody_stays_empty_however_often_it_is_looked_at(eye: Extractor, name: str) -> None:
    picture = np.asarray(getattr(data, name)(), dtype=np.uint8)
    colours = picture[:, :, ::-1] if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
    assert eye.detector.find(np.ascontiguousarray(colours)) == []


def test_a_small_picture_costs_one_pass(counted: tuple[PatientDetector, Counting]) -> None:
    detector, network = counted
    assert len(detector.find(_portrait(256)[10:130, 60:180].copy())) == 1
    passes = [size for size in network.sizes if size != (detector.looker.family.portrait[0],) * 2]
    assert len(passes) == 1


def test_a_large_portrait_costs_two_passes_and_two_looks_at_the_face_at_most(
    counted: tuple[PatientDetector, Counting],
) -> None:
    detector, network = counted
    assert len(detector.find(_portrait(2400))) == 1
    assert len(network.sizes) <= 4


def test_a_large_picture_of_nobody_costs_a_bounded_number_of_looks(
    counted: tuple[PatientDetector, Counting],
) -> None:
    detector, network = counted
    assert detector.find(np.full((1500, 2000, 3), 90, dtype=np.uint8)) == []
    assert len(network.sizes) == 2 + 16 + 9  # passes, second chances, tiles; the next zoom would gain too little
