"""Each component of quality moves the way a registrar would say: darker, blurrier, smaller, turned away is worse."""

import time

import cv2
import numpy as np
import pytest
from skimage import data

from facematch import quality
from facematch.align import crop_face
from facematch.types import UNKNOWN, BgrImage, Box, Detection, Landmarks

PHOTO: BgrImage = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
# Read off the photo by hand: the viewer's left eye, right eye, nose, left and right corner of the mouth.
POINTS: Landmarks = np.array([[200, 102], [247, 103], [221, 125], [199, 143], [240, 144]], np.float32)
BOX = Box(178, 63, 90, 113)


def _judge(
    image: BgrImage, *, points: Landmarks = POINTS, box: Box = BOX, faces_in_picture: int = 1
) -> dict[str, float]:
    crop = crop_face(image, points, "arcface-112")
    judged = quality.assess(image, Detection(box, points, 0.9), crop, faces_in_picture=faces_in_picture)
    return dict(judged.components)


def _lit(factor: float) -> BgrImage:
    return np.clip(PHOTO * factor, 0, 255).astype(np.uint8)


def _scaled(factor: float) -> dict[str, float]:
    image = cv2.resize(PHOTO, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    box = Box(BOX.x * factor, BOX.y * factor, BOX.width * factor, BOX.height * factor)
    return _judge(np.asarray(image, np.uint8), points=(POINTS * factor).astype(np.float32), box=box)


def _turned(yaw: float, pitch: float, roll: float) -> Landmarks:
    """Five points of a solid head after turning it by degrees: about the vertical, the ear-to-ear and the view axis."""
    head = np.array([[-50, 0, 0], [50, 0, 0], [0, 57, -53], [-41, 115, -12], [41, 115, -12]], np.float64)
    y, x, z = np.radians((yaw, pitch, roll))
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return ((head @ (about_z @ about_y @ about_x).T)[:, :2] + 256).astype(np.float32)


BEST = _judge(PHOTO)


def test_a_good_portrait_scores_high_where_it_is_good() -> None:
    for name in ("LuminanceMean", "Sharpness", "CompressionArtifacts", "NaturalColour", "SingleFacePresent"):
        assert BEST[name] > 90, name
    for name in ("UnderExposurePrevention", "OverExposurePrevention", "HeadPoseRoll", "HeadPosePitch"):
        assert BEST[name] > 90, name


def test_every_component_is_in_range_and_rounded_and_advice_is_of_them() -> None:
    assert set(BEST) > set(quality.ADVICE)
    assert all(value == UNKNOWN or 0 <= value <= 100 for value in BEST.values())
    assert all(value == round(value, 1) for value in BEST.values())


def test_a_darkened_face_loses_in_luminance_and_exposure() -> None:
    darker, dark = _judge(_lit(0.5)), _judge(_lit(0.2))
    assert BEST["LuminanceMean"] > darker["LuminanceMean"] > dark["LuminanceMean"]
    assert dark["UnderExposurePrevention"] < 20 < BEST["UnderExposurePrevention"]
    assert dark["DynamicRange"] < BEST["DynamicRange"]


def test_an_overexposed_face_loses_in_exposure() -> None:
    burnt = _judge(_lit(2.5))
    assert burnt["OverExposurePrevention"] < 20 < BEST["OverExposurePrevention"]
    assert burnt["LuminanceMean"] < BEST["LuminanceMean"]
    assert burnt["UnderExposurePrevention"] == BEST["UnderExposurePrevention"]


def test_blur_lowers_sharpness_step_by_step() -> None:
    steps = [_judge(np.asarray(cv2.GaussianBlur(PHOTO, (0, 0), sigma), np.uint8))["Sharpness"] for sigma in (1, 2, 4)]
    assert BEST["Sharpness"] > steps[0] > steps[1] > steps[2]
    assert steps[2] < 10


def test_darkness_alone_is_no_blur() -> None:
    assert _judge(_lit(0.5))["Sharpness"] == pytest.approx(BEST["Sharpness"], abs=5)


def test_hard_compression_shows() -> None:
    scores = []
    for percent in (90, 30, 8):
        _, stored = cv2.imencode(".jpg", PHOTO, [cv2.IMWRITE_JPEG_QUALITY, percent])
        scores.append(_judge(np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8))["CompressionArtifacts"])
    assert scores[0] > 90 > scores[1] > scores[2]
    assert scores[2] < 20


def test_light_from_one_side_lowers_uniformity() -> None:
    image = PHOTO.copy()
    image[:, :221] = image[:, :221] // 4
    assert _judge(image)["IlluminationUniformity"] < BEST["IlluminationUniformity"] / 2


def test_a_blue_face_has_no_natural_colour() -> None:
    assert _judge(np.ascontiguousarray(PHOTO[:, :, ::-1]))["NaturalColour"] < 50


def test_a_grey_picture_says_nothing_about_colour() -> None:
    grey = np.repeat(cv2.cvtColor(PHOTO, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
    assert _judge(np.ascontiguousarray(grey))["NaturalColour"] == UNKNOWN


def test_more_faces_lower_single_face_present() -> None:
    assert BEST["SingleFacePresent"] == 100
    assert _judge(PHOTO, faces_in_picture=4)["SingleFacePresent"] == 25


def test_a_small_face_loses_in_eye_distance() -> None:
    assert _scaled(3)["InterEyeDistance"] > BEST["InterEyeDistance"] > _scaled(0.5)["InterEyeDistance"]
    assert _scaled(3)["InterEyeDistance"] > 95


def test_too_small_for_blocks_says_nothing_about_compression() -> None:
    assert _scaled(0.25)["CompressionArtifacts"] == UNKNOWN


def test_a_head_that_fills_the_portrait_has_the_best_size() -> None:
    portrait = np.ascontiguousarray(PHOTO[25:175, 150:300])
    moved = (POINTS - (150, 25)).astype(np.float32)
    close = _judge(portrait, points=moved, box=Box(28, 38, 90, 113))
    assert close["HeadSize"] > 80 > BEST["HeadSize"]


@pytest.mark.parametrize(
    ("name", "part", "shift"),
    [
        ("LeftwardCropOfTheFaceImage", PHOTO[:, 190:], (190, 0)),
        ("RightwardCropOfTheFaceImage", PHOTO[:, :255], (0, 0)),
        ("MarginAboveOfTheFaceImage", PHOTO[70:], (0, 70)),
        ("MarginBelowOfTheFaceImage", PHOTO[:160], (0, 0)),
    ],
)
def test_a_head_cut_off_at_one_side_loses_that_margin_only(name: str, part: BgrImage, shift: tuple[int, int]) -> None:
    box = Box(BOX.x - shift[0], BOX.y - shift[1], BOX.width, BOX.height)
    cut = _judge(np.ascontiguousarray(part), points=(POINTS - shift).astype(np.float32), box=box)
    margins = [margin for margin in BEST if "FaceImage" in margin]
    assert cut[name] < 30 < BEST[name]
    assert all(cut[margin] == BEST[margin] for margin in margins if margin != name)


@pytest.mark.parametrize(
    ("name", "turn"), [("HeadPoseYaw", (40, 0, 0)), ("HeadPosePitch", (0, 40, 0)), ("HeadPoseRoll", (0, 0, 40))]
)
def test_a_turned_head_loses_in_its_own_angle_only(name: str, turn: tuple[float, float, float]) -> None:
    turned = _judge(PHOTO, points=_turned(*turn))
    angles = {"HeadPoseYaw", "HeadPosePitch", "HeadPoseRoll"}
    assert turned[name] == pytest.approx(100 * np.cos(np.radians(40)) ** 2, abs=4)
    assert all(turned[other] > 97 for other in angles - {name})


def test_both_ways_of_turning_count_alike() -> None:
    left, right = _judge(PHOTO, points=_turned(-30, 0, 0)), _judge(PHOTO, points=_turned(30, 0, 0))
    assert left["HeadPoseYaw"] == pytest.approx(right["HeadPoseYaw"], abs=1)


def test_landmarks_in_one_point_cannot_be_assessed() -> None:
    point = np.full((5, 2), 100, np.float32)
    judged = _judge(PHOTO, points=point)
    assert judged["HeadPoseYaw"] == judged["InterEyeDistance"] == judged["HeadSize"] == UNKNOWN


def test_a_face_beyond_the_border_is_judged_without_failing() -> None:
    judged = _judge(PHOTO, points=(POINTS - 190).astype(np.float32), box=Box(-400, -400, 90, 113))
    assert judged["CompressionArtifacts"] == UNKNOWN
    assert judged["LeftwardCropOfTheFaceImage"] < 5


def test_a_black_picture_is_under_exposed_and_nothing_else_fails() -> None:
    judged = _judge(np.zeros_like(PHOTO))
    assert judged["UnderExposurePrevention"] == 0
    assert judged["Sharpness"] == UNKNOWN


def test_judging_a_face_takes_less_than_a_millisecond() -> None:
    crop, found = crop_face(PHOTO, POINTS, "arcface-112"), Detection(BOX, POINTS, 0.9)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        quality.assess(PHOTO, found, crop, faces_in_picture=1)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.001
