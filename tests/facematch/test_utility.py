"""One number says how well a template will match: it falls with every damage, and names what did it."""

import json
from pathlib import Path

import numpy as np
import pytest
from insightface.data import get_image

from benchmarks.degrading import DEGRADATIONS
from facematch.errors import BundleInvalid
from facematch.extractor import Extractor
from facematch.types import UNKNOWN, BgrImage, Quality
from facematch.utility import GOOD, Harm, Utility, read_utility
from tests.facematch.pictures import astronaut

HARMS = {"Sharpness": Harm(30, 2.5), "HeadPoseYaw": Harm(70, 3)}
FITTED = Utility(offset=-24, log_norm=11, pose={}, harms=HARMS)
CONTENT = {
    "contract": "c",
    "predictor": {"offset": -24, "log_norm": 11},
    "pose": {},
    "harms": {"Sharpness": {"begins": 30, "weight": 2.5}, "HeadPoseYaw": {"begins": 70, "weight": 3}},
}
CAUSES = {
    "blur": (4, "Sharpness"),
    "downscale": (5, "InterEyeDistance"),
    "jpeg": (4, "CompressionArtifacts"),
    "dark": (4, "UnderExposurePrevention"),
    "bright": (2, "OverExposurePrevention"),
    "one side lit": (5, "IlluminationUniformity"),
    "haze": (5, "DynamicRange"),
    "turned": (5, "HeadPoseYaw"),
}


@pytest.fixture(scope="module")
def portrait() -> BgrImage:
    return np.ascontiguousarray(astronaut(512)[:, :, ::-1])


def _worsened(eye: Extractor, image: BgrImage, name: str, strength: int) -> Quality:
    landmarks = eye.faces_of(image)[0].detection.landmarks
    random = np.random.default_rng(1)
    return eye.faces_of(DEGRADATIONS[name].apply(image, landmarks, strength=strength, random=random))[0].quality


def test_a_good_portrait_is_good_and_nothing_is_to_blame(opencv_zoo: Extractor, portrait: BgrImage) -> None:
    quality = opencv_zoo.faces_of(portrait)[0].quality
    assert GOOD < quality.utility <= 100
    assert quality.causes == ()


@pytest.mark.parametrize("name", ["blur", "shake", "noise", "downscale", "jpeg", "dark", "bright", "haze"])
def test_hard_damage_leaves_less_utility_than_mild(opencv_zoo: Extractor, portrait: BgrImage, name: str) -> None:
    last = 2 if name == "bright" else 3  # burnt out once more, and no face is found in it
    mild, hard = (_worsened(opencv_zoo, portrait, name, strength).utility for strength in (1, last))
    assert 100 >= mild > hard + 5 >= 5


def test_utility_falls_with_every_step_of_blur(opencv_zoo: Extractor, portrait: BgrImage) -> None:
    steps = [_worsened(opencv_zoo, portrait, "blur", strength).utility for strength in (1, 2, 3)]
    assert GOOD < steps[0] < opencv_zoo.faces_of(portrait)[0].quality.utility
    assert steps[0] > steps[1] > steps[2]


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_that_is_named_is_what_was_done_to_the_picture(
    opencv_zoo: Extractor, portrait: BgrImage, name: str
) -> None:
    strength, cause = CAUSES[name]
    quality = _worsened(opencv_zoo, portrait, name, strength)
    assert opencv_zoo.utility is not None
    assert opencv_zoo.utility.causes(quality.components)[0] == cause


def test_in_a_group_the_face_in_profile_is_the_least_useful_and_told_why(opencv_zoo: Extractor) -> None:
    faces = opencv_zoo.faces_of(np.asarray(get_image("t1"), np.uint8))
    worst = min(faces, key=lambda face: face.quality.utility)
    assert 900 < worst.detection.box.x < 920
    assert worst.quality.causes == ("HeadPoseYaw",)


def test_a_longer_vector_is_worth_more_and_all_stay_on_the_scale() -> None:
    values = [FITTED.rate(Quality({}), norm=norm).utility for norm in (1e-30, 4, 8, 12, 1e30)]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0, 100)


def test_a_head_turned_away_costs_more_than_its_vector_tells() -> None:
    turned = Utility(-24, 11, {"HeadPoseYaw": Harm(75, 3)}, {})
    values = [turned.rate(Quality({"HeadPoseYaw": yaw}), norm=11).utility for yaw in (UNKNOWN, 80, 60, 30)]
    assert values[0] == values[1] > values[2] > values[3]


@pytest.mark.parametrize("norm", [0.0, float("nan"), float("inf")])
def test_a_vector_without_a_length_leaves_the_utility_unknown(norm: float) -> None:
    assert FITTED.rate(Quality({"Sharpness": 1.0}), norm=norm) == Quality({"Sharpness": 1.0}, UNKNOWN)


def test_causes_come_worst_first_and_only_where_the_utility_is_not_good() -> None:
    components = {"Sharpness": 10.0, "HeadPoseYaw": 7.0}
    assert FITTED.rate(Quality(components), norm=8).causes == ("HeadPoseYaw", "Sharpness")
    assert FITTED.rate(Quality(components), norm=20).causes == ()


def test_what_could_not_be_assessed_accuses_nobody() -> None:
    assert FITTED.causes({"Sharpness": UNKNOWN, "HeadPoseYaw": 99.0}) == ()


def test_a_tiny_face_is_called_small_and_not_blurred() -> None:
    both = Utility(0, 1, {}, {"Sharpness": Harm(30, 3), "InterEyeDistance": Harm(16, 1)})
    assert both.causes({"Sharpness": 5.0, "InterEyeDistance": 4.0}) == ("InterEyeDistance",)
    assert both.causes({"Sharpness": 5.0, "InterEyeDistance": 40.0}) == ("Sharpness",)


def test_the_file_is_read_for_its_own_contract_only(tmp_path: Path) -> None:
    path = tmp_path / "utility.json"
    assert read_utility(path, contract="c") is None
    path.write_text(json.dumps(CONTENT))
    assert read_utility(path, contract="c") == FITTED
    assert read_utility(path, contract="another") is None


@pytest.mark.parametrize("broken", ["", "[]", '{"contract": "c"}', '{"contract": "c", "predictor": {}, "harms": {}}'])
def test_a_damaged_file_is_refused(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "utility.json"
    path.write_text(broken)
    with pytest.raises(BundleInvalid):
        read_utility(path, contract="c")


def test_a_face_of_a_bundle_without_a_fit_has_no_utility(opencv_zoo: Extractor, portrait: BgrImage) -> None:
    eye = Extractor(opencv_zoo.bundle, opencv_zoo.detector, opencv_zoo.embedder)
    eye.utility = None
    quality = eye.faces_of(portrait)[0].quality
    assert (quality.utility, quality.causes) == (UNKNOWN, ())
