"""Claims about several models side by side: the leader's faces, and a template of every model that saw them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from insightface.data import get_image

from facematch.bundle import default_models_dir, default_weights_dir, read_bundle
from facematch.detect import Detector
from facematch.ensemble import Ensemble, open_ensemble, pairs, sight_of
from facematch.errors import BundleUnknown
from facematch.extractor import Extractor
from facematch.types import BgrImage, Box, Detection

LANDMARKS = np.zeros((5, 2), np.float32)


class Counting:
    """A detector that counts how often it looks."""

    def __init__(self, detector: Detector) -> None:
        self.detector, self.looks = detector, 0

    def find(self, image: BgrImage, *, closer: Callable[[], BgrImage] | None = None) -> list[Detection]:
        self.looks += 1
        return self.detector.find(image, closer=closer)


class Blinking:
    """A detector that does not see the largest face."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector

    def find(self, image: BgrImage, *, closer: Callable[[], BgrImage] | None = None) -> list[Detection]:
        return sorted(self.detector.find(image, closer=closer), key=lambda face: face.box.width)[:-1]


def box(x: float, y: float, width: float, height: float) -> Detection:
    return Detection(Box(x, y, width, height), LANDMARKS, 0.9)


@pytest.fixture(scope="module")
def group() -> BgrImage:
    return np.ascontiguousarray(get_image("t1"), np.uint8)


@pytest.fixture(scope="module")
def mixed(opencv_zoo: Extractor, buffalo_sc: Extractor) -> Ensemble:
    return Ensemble([opencv_zoo, buffalo_sc])


def test_every_face_has_a_template_of_every_model_that_saw_it(mixed: Ensemble, group: BgrImage) -> None:
    faces = mixed.faces_of(group)
    assert len(faces) == 6
    for face in faces:
        assert tuple(face.templates) == mixed.contracts
        assert [len(template) for template in face.templates.values()] == [128, 512]


def test_templates_are_those_of_each_model_alone(mixed: Ensemble, group: BgrImage) -> None:
    follower = mixed.followers[0]
    alone = [face.templates[follower.contract] for face in follower.faces_of(group)]
    for face in mixed.faces_of(group):
        own = face.templates[follower.contract]
        assert max(float(own @ template) for template in alone) > 0.9999


def test_the_leader_decides_which_faces_there_are(opencv_zoo: Extractor, mixed: Ensemble, group: BgrImage) -> None:
    led, alone = mixed.faces_of(group), opencv_zoo.faces_of(group)
    assert [face.detection.box for face in led] == [face.detection.box for face in alone]
    assert all(np.array_equal(one.crop, other.crop) for one, other in zip(led, alone, strict=True))


def with_detector(eye: Extractor, detector: Detector) -> Extractor:
    return Extractor(eye.bundle, detector, eye.embedder)


def relabelled(eye: Extractor) -> Extractor:
    """The same weights with other preprocessing: another contract behind the same detector."""
    recogniser = replace(eye.bundle.recogniser, pixels=replace(eye.bundle.recogniser.pixels, colour="bgr"))
    return Extractor(replace(eye.bundle, recogniser=recogniser), Counting(eye.detector), eye.embedder)


def test_a_shared_detector_looks_once(opencv_zoo: Extractor, group: BgrImage) -> None:
    leader = with_detector(opencv_zoo, Counting(opencv_zoo.detector))
    follower = relabelled(opencv_zoo)
    assert len(Ensemble([leader, follower]).faces_of(group)) == 6
    assert isinstance(leader.detector, Counting)
    assert isinstance(follower.detector, Counting)
    alone = with_detector(opencv_zoo, Counting(opencv_zoo.detector))
    alone.faces_of(group)
    assert isinstance(alone.detector, Counting)
    assert (leader.detector.looks, follower.detector.looks) == (alone.detector.looks, 0)


def test_followers_share_their_detector_too(opencv_zoo: Extractor, buffalo_sc: Extractor, group: BgrImage) -> None:
    first = with_detector(buffalo_sc, Counting(buffalo_sc.detector))
    second = relabelled(buffalo_sc)
    faces = Ensemble([opencv_zoo, first, second]).faces_of(group)
    assert [len(face.templates) for face in faces] == [3] * 6
    assert isinstance(second.detector, Counting)
    assert second.detector.looks == 0


def test_edgeface_sees_as_buffalo_does_and_not_as_the_default_bundle() -> None:
    zoo, buffalo, edgeface = (
        sight_of(read_bundle(name, default_models_dir())) for name in ("opencv-zoo", "buffalo_sc", "edgeface-s")
    )
    assert buffalo == edgeface != zoo


def test_a_face_that_only_the_leader_sees_has_only_its_template(
    opencv_zoo: Extractor, buffalo_sc: Extractor, group: BgrImage
) -> None:
    blinking = with_detector(buffalo_sc, Blinking(buffalo_sc.detector))
    templates = [len(face.templates) for face in Ensemble([opencv_zoo, blinking]).faces_of(group)]
    assert sorted(templates) == [1, 2, 2, 2, 2, 2]


def test_a_face_that_the_leader_does_not_see_is_not_reported(
    opencv_zoo: Extractor, buffalo_sc: Extractor, group: BgrImage
) -> None:
    blinking = with_detector(opencv_zoo, Blinking(opencv_zoo.detector))
    faces = Ensemble([blinking, buffalo_sc]).faces_of(group)
    assert [len(face.templates) for face in faces] == [2] * 5


def test_a_picture_without_a_face_is_an_empty_list(mixed: Ensemble) -> None:
    assert mixed.faces_of(np.full((200, 200, 3), 127, np.uint8)) == []


def test_detections_pair_by_the_greatest_overlap_and_each_once() -> None:
    one = [box(0, 0, 10, 10), box(20, 0, 10, 10), box(100, 100, 5, 5)]
    other = [box(21, 0, 10, 10), box(0, 1, 10, 10), box(2, 0, 10, 10), box(300, 0, 10, 10)]
    assert dict(pairs(one, other)) == {0: 1, 1: 0}


def test_a_box_inside_a_much_larger_one_is_another_face() -> None:
    assert dict(pairs([box(0, 0, 100, 100)], [box(40, 40, 20, 20)])) == {}
    assert dict(pairs([box(5, 5, 0, 0)], [box(5, 5, 0, 0)])) == {}


def test_an_ensemble_needs_different_contracts(opencv_zoo: Extractor) -> None:
    with pytest.raises(ValueError, match="different contracts"):
        Ensemble([opencv_zoo, opencv_zoo])
    with pytest.raises(ValueError, match="different contracts"):
        Ensemble([])


def test_an_ensemble_opens_by_the_names_of_its_bundles(opencv_zoo: Extractor) -> None:
    places = {"models_dir": default_models_dir(), "weights_dir": default_weights_dir()}
    assert open_ensemble(["opencv-zoo"], **places).contracts == (opencv_zoo.contract,)
    with pytest.raises(BundleUnknown):
        open_ensemble(["opencv-zoo", "nothing"], **places)
