"""The eye held against the libraries it stands in for: the same faces, and templates with a cosine of 0.999 or more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import onnxruntime
import pytest
from insightface.app import FaceAnalysis
from insightface.data import get_image
from numpy.typing import NDArray
from skimage import data

from facematch.align import crop_face
from facematch.bundle import default_weights_dir
from facematch.engine import open_session
from facematch.extractor import Extractor
from facematch.looks import Looker
from facematch.types import BgrImage, Detection

pytestmark = pytest.mark.filterwarnings("ignore:.estimate. is deprecated:FutureWarning")  # insightface calls skimage so

LEAST_COSINE = 0.999
LARGEST_SHIFT = 0.01  # pixels between our landmarks and theirs
LFW_SAMPLE = 24


class Reference(NamedTuple):
    """One face as the reference library sees it: landmarks (5, 2) and unit template."""

    landmarks: NDArray[np.float32]
    template: NDArray[np.float32]


@pytest.fixture(scope="module")
def pictures() -> list[BgrImage]:
    group, portrait = get_image("t1"), data.astronaut()[:, :, ::-1]
    turned = cv2.warpAffine(group, cv2.getRotationMatrix2D((640, 443), 20, 0.9), (1280, 886))
    return [np.ascontiguousarray(picture, dtype=np.uint8) for picture in (group, portrait, turned)]


@pytest.fixture(scope="module")
def strangers(faces_dir: Path) -> list[BgrImage]:
    paths = sorted((faces_dir / "lfw" / "images").glob("*/*.jpg"))
    return [np.asarray(cv2.imread(str(path)), dtype=np.uint8) for path in paths[:: len(paths) // LFW_SAMPLE]]


class InsightFace:
    """FaceAnalysis on the published files of buffalo_sc, one pass of 640."""

    side = 640

    def __init__(self, folder: Path) -> None:
        weights = default_weights_dir() / "buffalo_sc"
        (folder / "det_500m.onnx").symlink_to(weights / "scrfd_500m_bnkps.onnx")
        (folder / "w600k_mbf.onnx").symlink_to(weights / "published" / "w600k_mbf.onnx")
        self.app = FaceAnalysis(str(folder), providers=["CPUExecutionProvider"])
        self.app.prepare(ctx_id=-1, det_size=(640, 640))

    def faces(self, image: BgrImage) -> list[Reference]:
        return [Reference(face.kps, face.normed_embedding) for face in self.app.get(image)]


class OpenCvZoo:
    """FaceDetectorYN and FaceRecognizerSF on the published files, at the size of the picture."""

    side = 1280

    def __init__(self) -> None:
        published = default_weights_dir() / "opencv-zoo" / "published"
        detector, recogniser = (str(path) for path in sorted(published.glob("*.onnx")))
        self.detector: Any = cv2.FaceDetectorYN.create(detector, "", (320, 320), 0.7, 0.3, 5000)
        self.recogniser: Any = cv2.FaceRecognizerSF.create(recogniser, "")

    def faces(self, image: BgrImage) -> list[Reference]:
        self.detector.setInputSize((image.shape[1], image.shape[0]))
        rows = self.detector.detect(image)[1]
        return [self._face(image, row) for row in ([] if rows is None else rows)]

    def _face(self, image: BgrImage, row: NDArray[np.float32]) -> Reference:
        feature = self.recogniser.feature(self.recogniser.alignCrop(image, row)).ravel()
        return Reference(row[4:14].reshape(5, 2), feature / np.linalg.norm(feature))


@pytest.fixture(scope="module")
def insightface_pair(buffalo_sc: Extractor, tmp_path_factory: pytest.TempPathFactory) -> tuple[Extractor, InsightFace]:
    return _looking_once(buffalo_sc, InsightFace.side), InsightFace(tmp_path_factory.mktemp("buffalo_sc"))


@pytest.fixture(scope="module")
def opencv_pair(opencv_zoo: Extractor) -> tuple[Extractor, OpenCvZoo]:
    return _looking_once(opencv_zoo, OpenCvZoo.side), OpenCvZoo()


class Once:
    """A detector that looks once, as the references do."""

    def __init__(self, looker: Looker, side: int) -> None:
        self.looker, self.side = looker, side

    def find(self, image: BgrImage, *, closer: Callable[[], BgrImage] | None = None) -> list[Detection]:
        return self.looker.merged(self.looker.look(image, self.side)).detections()


def _looking_once(eye: Extractor, side: int) -> Extractor:
    section = eye.bundle.detector
    path = default_weights_dir() / eye.bundle.name / section.file
    session = open_session(path, "cpu", threads=1, pixels=section.pixels, sizes=[])
    return Extractor(eye.bundle, Once(Looker(section, session), side), eye.embedder)


def _assert_same(eye: Extractor, reference: InsightFace | OpenCvZoo, pictures: list[BgrImage]) -> None:
    seen = 0
    for picture in pictures:
        ours, theirs = eye.detector.find(picture), reference.faces(picture)
        assert len(ours) == len(theirs)
        seen += len(theirs)
        for face in theirs:
            nearest = min(ours, key=lambda own: float(np.abs(own.landmarks - face.landmarks).max()))
            assert np.abs(nearest.landmarks - face.landmarks).max() <= LARGEST_SHIFT
            template = eye.embed([crop_face(picture, nearest.landmarks, "arcface-112")])[0]
            assert float(template @ face.template) >= LEAST_COSINE
    assert seen >= len(pictures) - 1  # seen once, at one size, even the reference misses a face now and then


def test_buffalo_sc_sees_what_face_analysis_sees(
    insightface_pair: tuple[Extractor, InsightFace], pictures: list[BgrImage]
) -> None:
    _assert_same(*insightface_pair, pictures)


def test_opencv_zoo_sees_what_opencv_sees(opencv_pair: tuple[Extractor, OpenCvZoo], pictures: list[BgrImage]) -> None:
    _assert_same(*opencv_pair, pictures)


def test_buffalo_sc_sees_strangers_as_face_analysis_does(
    insightface_pair: tuple[Extractor, InsightFace], strangers: list[BgrImage]
) -> None:
    _assert_same(*insightface_pair, strangers)


def test_opencv_zoo_sees_strangers_as_opencv_does(
    opencv_pair: tuple[Extractor, OpenCvZoo], strangers: list[BgrImage]
) -> None:
    _assert_same(*opencv_pair, strangers)


def test_looking_again_finds_the_faces_that_one_look_finds(
    opencv_zoo: Extractor, opencv_pair: tuple[Extractor, OpenCvZoo], pictures: list[BgrImage]
) -> None:
    once = opencv_pair[0]
    assert all(len(opencv_zoo.faces_of(picture)) >= len(once.faces_of(picture)) for picture in pictures)


def test_edgeface_s_embeds_as_the_published_network_does(edgeface_s: Extractor, pictures: list[BgrImage]) -> None:
    published = default_weights_dir() / "edgeface-s" / "published" / "edgeface_s_gamma_05.onnx"
    bare = onnxruntime.InferenceSession(str(published), providers=["CPUExecutionProvider"])
    crops = [face.crop for picture in pictures for face in edgeface_s.faces_of(picture)]
    assert len(crops) >= 12
    for crop, template in zip(crops, edgeface_s.embed(crops), strict=True):
        scaled = (crop[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255 - 0.5) / 0.5
        answer = bare.run(None, {"data": scaled})[0][0]
        assert float(template @ answer) / np.linalg.norm(answer) >= 0.999999
