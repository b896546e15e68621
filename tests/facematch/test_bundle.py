"""Bundles are read strictly, and a contract id stands for all that decides what a vector means."""

from dataclasses import replace
from pathlib import Path

import pytest

from facematch.bundle import Bundle, contract_id, default_models_dir, list_bundles, read_bundle, verify_weights
from facematch.errors import BundleInvalid, BundleUnknown, WeightsDigestMismatch, WeightsMissing
from tests.facematch.bundles import write_bundle

SOURCE = '{ file = "tiny.onnx" }'


def test_bundles_that_ship_are_readable_and_have_contracts_of_their_own() -> None:
    bundles = list_bundles(default_models_dir())
    assert {"opencv-zoo", "opencv-zoo-int8", "buffalo_sc", "buffalo_l", "antelopev2"} <= {b.name for b in bundles}
    assert len({contract_id(bundle) for bundle in bundles}) == len(bundles)


def test_contract_of_the_default_bundle_is_the_one_that_galleries_were_built_with() -> None:
    assert contract_id(read_bundle("opencv-zoo", default_models_dir())) == "98e01244e8d93e54"


def test_only_the_default_bundle_pair_allows_commercial_use() -> None:
    free = {bundle.name for bundle in list_bundles(default_models_dir()) if bundle.commercial_use}
    assert free == {"opencv-zoo", "opencv-zoo-int8"}


def _variants(bundle: Bundle) -> dict[str, Bundle]:
    recogniser, detector, files = bundle.recogniser, bundle.detector, bundle.files
    other = replace(files[1], repaired_sha256="0" * 64)
    return {
        "dimension": replace(bundle, dimension=256),
        "alignment": replace(bundle, recogniser=replace(recogniser, alignment="other")),
        "side": replace(bundle, recogniser=replace(recogniser, side=96)),
        "pixels": replace(bundle, recogniser=replace(recogniser, pixels=replace(recogniser.pixels, mean=1.0))),
        "detector pixels": replace(bundle, detector=replace(detector, pixels=replace(detector.pixels, colour="rgb"))),
        "file that runs": replace(bundle, files=(files[0], other)),
    }


@pytest.mark.parametrize("what", ["dimension", "alignment", "side", "pixels", "detector pixels", "file that runs"])
def test_contract_changes_with(what: str) -> None:
    bundle = read_bundle("opencv-zoo", default_models_dir())
    assert contract_id(_variants(bundle)[what]) != contract_id(bundle)


def test_contract_does_not_change_with_how_many_faces_are_looked_for() -> None:
    bundle = read_bundle("opencv-zoo", default_models_dir())
    eager = replace(bundle, detector=replace(bundle.detector, confidence=0.1, sides=(640,)))
    assert contract_id(eager) == contract_id(bundle)


@pytest.mark.parametrize("name", ["nobody", "../models/opencv-zoo", ""])
def test_a_name_that_is_no_bundle_is_unknown(name: str) -> None:
    with pytest.raises(BundleUnknown) as refused:
        read_bundle(name, default_models_dir())
    assert "opencv-zoo" in str(refused.value.facts["known"])


@pytest.mark.parametrize(
    "change",
    [
        "dimension = 4 -> dimension = true",
        'licence = "Apache-2.0" -> ',
        'name = "tiny"\ndimension -> name = "other"\ndimension',
        'family = "yunet" -> family = "guess"',
        "sides = [320, 1280] -> sides = [300]",
        "sides = [320, 1280] -> sides = []",
        'file = "tiny.onnx"\nside -> file = "absent.onnx"\nside',
        'name = "tiny.onnx" -> name = "../tiny.onnx"',
        'colour = "rgb" -> colour = "grey"',
        'sha256 = " -> sha256 = "x',
        "[[files]] -> [files]",
        "[detector] -> [detektor]",
        "name -> = name",
    ],
)
def test_a_manifest_with_a_fault_is_refused(tmp_path: Path, change: str) -> None:
    write_bundle(tmp_path, b"", sources=SOURCE, change=change)
    with pytest.raises(BundleInvalid) as refused:
        read_bundle("tiny", tmp_path)
    assert refused.value.facts["problem"]


@pytest.mark.parametrize(
    "sources",
    [
        "",
        '{ url = "http://example.org/tiny.onnx" }',
        '{ wheel = "tiny==1" }',
        '{ file = "a", url = "https://example.org/a" }',
        '{ torrent = "a" }',
    ],
)
def test_a_source_that_cannot_be_trusted_is_refused(tmp_path: Path, sources: str) -> None:
    write_bundle(tmp_path, b"", sources=sources)
    with pytest.raises(BundleInvalid):
        read_bundle("tiny", tmp_path)


def test_a_repair_without_a_digest_for_its_result_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, b"", sources=SOURCE, repair='repair = ["free-batch"]')
    with pytest.raises(BundleInvalid):
        read_bundle("tiny", tmp_path)


def test_weights_that_were_not_fetched_are_missing(tmp_path: Path) -> None:
    write_bundle(tmp_path, b"weights", sources=SOURCE)
    with pytest.raises(WeightsMissing):
        verify_weights(read_bundle("tiny", tmp_path), tmp_path / "weights")


def test_one_flipped_bit_in_a_weight_file_is_noticed(tmp_path: Path) -> None:
    write_bundle(tmp_path, b"weights", sources=SOURCE)
    bundle, place = read_bundle("tiny", tmp_path), tmp_path / "weights" / "tiny" / "tiny.onnx"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"weights")
    assert verify_weights(bundle, tmp_path / "weights") == {"tiny.onnx": place}
    place.write_bytes(b"weightr")
    with pytest.raises(WeightsDigestMismatch):
        verify_weights(bundle, tmp_path / "weights")
