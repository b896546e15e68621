"""Bytes in, faces out: largest first, unit templates under one contract, the same from many threads."""

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from insightface.data import get_image
from PIL import Image

from facematch import engine
from facematch.bundle import contract_id, default_models_dir
from facematch.errors import BundleUnknown, DeviceUnavailable, NotAPicture, WeightsDigestMismatch, WeightsMissing
from facematch.extractor import Extractor, open_extractor
from facematch.types import BgrImage, Face, Template
from tests.facematch.pictures import astronaut, encoded, jpeg, turned_jpeg


@pytest.fixture(scope="module")
def group() -> BgrImage:
    return np.asarray(get_image("t1"), dtype=np.uint8)


def template_of(eye: Extractor, face: Face) -> Template:
    return face.templates[eye.contract]


def test_a_portrait_gives_one_face_with_all_that_later_rooms_need(opencv_zoo: Extractor) -> None:
    image, faces = opencv_zoo.faces_in(jpeg(astronaut(512)))
    (face,) = faces
    assert image.shape == (512, 512, 3)
    assert face.crop.shape == (112, 112, 3)
    ((contract, template),) = face.templates.items()
    assert template.shape == (opencv_zoo.dimension,)
    assert template.dtype == np.float32
    assert float(np.linalg.norm(template)) == pytest.approx(1, abs=1e-5)
    assert contract == opencv_zoo.contract == contract_id(opencv_zoo.bundle)
    assert face.quality.components["SingleFacePresent"] == 100


def test_a_group_comes_largest_face_first(opencv_zoo: Extractor, group: BgrImage) -> None:
    boxes = [face.detection.box for face in opencv_zoo.faces_of(group)]
    areas = [box.width * box.height for box in boxes]
    assert len(areas) == 6
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_picture_gives_the_template_of_the_upright_one(opencv_zoo: Extractor, orientation: int) -> None:
    upright = opencv_zoo.faces_in(jpeg(astronaut(512)))[1][0]
    turned = opencv_zoo.faces_in(turned_jpeg(astronaut(512), orientation))[1][0]
    assert float(template_of(opencv_zoo, upright) @ template_of(opencv_zoo, turned)) > 0.99


def test_a_picture_without_a_face_gives_an_empty_list(opencv_zoo: Extractor) -> None:
    image, faces = opencv_zoo.faces_in(encoded(Image.new("RGB", (200, 100), "grey"), "PNG"))
    assert image.shape == (100, 200, 3)
    assert faces == []


def test_what_is_no_picture_is_refused(opencv_zoo: Extractor) -> None:
    with pytest.raises(NotAPicture):
        opencv_zoo.faces_in(b"%PDF-1.7 not a picture")


def test_one_person_is_nearer_to_herself_than_to_strangers(opencv_zoo: Extractor, group: BgrImage) -> None:
    first = template_of(opencv_zoo, opencv_zoo.faces_in(jpeg(astronaut(512)))[1][0])
    again = template_of(opencv_zoo, opencv_zoo.faces_in(jpeg(astronaut(200), quality=60))[1][0])
    strangers = [template_of(opencv_zoo, face) for face in opencv_zoo.faces_of(group)]
    assert float(first @ again) > 0.8
    assert max(float(first @ stranger) for stranger in strangers) < 0.4


def test_many_threads_get_what_one_gets(opencv_zoo: Extractor, group: BgrImage) -> None:
    alone = [template_of(opencv_zoo, face) for face in opencv_zoo.faces_of(group)]
    with ThreadPoolExecutor(4) as pool:
        for faces in pool.map(opencv_zoo.faces_of, [group] * 6):
            assert np.allclose([template_of(opencv_zoo, face) for face in faces], alone, atol=1e-5)


def test_crops_of_many_pictures_embed_together_as_alone(opencv_zoo: Extractor, group: BgrImage) -> None:
    crops = [face.crop for face in opencv_zoo.faces_of(group)] * 4
    together = opencv_zoo.embed(crops)
    assert together.shape == (24, opencv_zoo.dimension)
    assert np.allclose(together[23], opencv_zoo.embed([crops[23]])[0], atol=1e-5)
    assert opencv_zoo.embed([]).shape == (0, opencv_zoo.dimension)


def test_an_unknown_bundle_or_device_does_not_open(weights_dir: Path) -> None:
    with pytest.raises(BundleUnknown):
        open_extractor("nobody", models_dir=default_models_dir(), weights_dir=weights_dir)
    with pytest.raises(DeviceUnavailable):
        open_extractor("opencv-zoo", models_dir=default_models_dir(), weights_dir=weights_dir, device="abacus")


def test_weights_that_are_missing_or_tampered_with_do_not_open(weights_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        open_extractor("opencv-zoo", models_dir=default_models_dir(), weights_dir=tmp_path)
    shutil.copytree(weights_dir / "opencv-zoo", tmp_path / "opencv-zoo")
    with (tmp_path / "opencv-zoo" / "face_recognition_sface_2021dec.onnx").open("r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)[0]
        file.seek(1_000_000)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(WeightsDigestMismatch):
        open_extractor("opencv-zoo", models_dir=default_models_dir(), weights_dir=tmp_path)


def test_a_picture_a_core_takes_the_memory_of_all_its_looks_at_the_start(
    weights_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, sides = engine.Session.run, Counter[int]()

    def noting(self: engine.Session, feeds: dict[str, engine.Floats]) -> list[engine.Floats]:
        sides.update(picture.shape[-1] for picture in feeds.values())
        return run(self, feeds)

    def looked_at(threads: int) -> Counter[int]:
        sides.clear()
        open_extractor("opencv-zoo", models_dir=default_models_dir(), weights_dir=weights_dir, threads=threads)
        return sides.copy()

    monkeypatch.setattr(engine.Session, "run", noting)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert looked_at(threads=1) - looked_at(threads=0) == {640: 3, 112: 3}
    assert looked_at(threads=3) == looked_at(threads=0)
