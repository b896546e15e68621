"""Weights come only from named sources, only with the pinned digest, and whole or not at all."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from facematch import repair
from facematch.bundle import Bundle, read_bundle
from facematch.errors import BundleInvalid, LicenceNotAccepted, WeightsDigestMismatch, WeightsUnreachable
from facematch.fetch import fetch_weights
from tests.facematch.bundles import tiny_network, write_bundle

Fetch = Callable[..., dict[str, Path]]
STEPS = ("drop-weight-inputs", "free-batch", "split-prelu")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def fetch(tmp_path: Path, said: list[str]) -> Fetch:
    def fetch_tiny(*, accept_licence: bool = False) -> dict[str, Path]:
        bundle = read_bundle("tiny", tmp_path)
        return fetch_weights(bundle, tmp_path / "weights", accept_licence=accept_licence, announce=said.append)

    return fetch_tiny


def _file_source(path: Path) -> str:
    return f'{{ file = "{path}" }}'


def _left(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "weights" / "tiny").iterdir()} - {".lock"}


def test_a_local_file_with_the_right_digest_is_taken(tmp_path: Path, fetch: Fetch) -> None:
    (tmp_path / "own.onnx").write_bytes(b"weights")
    write_bundle(tmp_path, b"weights", sources=_file_source(tmp_path / "own.onnx"))
    assert fetch()["tiny.onnx"].read_bytes() == b"weights"
    assert _left(tmp_path) == {"tiny.onnx"}


def test_a_file_with_another_digest_is_refused_and_nothing_stays(tmp_path: Path, fetch: Fetch) -> None:
    (tmp_path / "own.onnx").write_bytes(b"tampered")
    write_bundle(tmp_path, b"weights", sources=_file_source(tmp_path / "own.onnx"))
    with pytest.raises(WeightsDigestMismatch) as refused:
        fetch()
    assert refused.value.facts["found"] == hashlib.sha256(b"tampered").hexdigest()
    assert _left(tmp_path) == set()


def test_a_licence_that_was_not_accepted_stops_before_any_source(tmp_path: Path, fetch: Fetch, said: list[str]) -> None:
    (tmp_path / "own.onnx").write_bytes(b"weights")
    write_bundle(tmp_path, b"weights", sources=_file_source(tmp_path / "own.onnx"), commercial_use=False)
    with pytest.raises(LicenceNotAccepted):
        fetch()
    assert said == []
    assert not (tmp_path / "weights").exists()
    assert fetch(accept_licence=True)


def test_weights_that_are_there_are_not_fetched_again(tmp_path: Path, fetch: Fetch, said: list[str]) -> None:
    (tmp_path / "own.onnx").write_bytes(b"weights")
    write_bundle(tmp_path, b"weights", sources=_file_source(tmp_path / "own.onnx"))
    before = fetch()["tiny.onnx"].stat()
    (tmp_path / "own.onnx").unlink()
    assert fetch()["tiny.onnx"].stat() == before


def test_a_damaged_weight_file_is_replaced(tmp_path: Path, fetch: Fetch) -> None:
    (tmp_path / "own.onnx").write_bytes(b"weights")
    write_bundle(tmp_path, b"weights", sources=_file_source(tmp_path / "own.onnx"))
    fetch()["tiny.onnx"].write_bytes(b"weightr")
    assert fetch()["tiny.onnx"].read_bytes() == b"weights"


def test_a_source_out_of_reach_gives_way_to_the_next(tmp_path: Path, fetch: Fetch, said: list[str]) -> None:
    (tmp_path / "own.onnx").write_bytes(b"weights")
    sources = f"{_file_source(tmp_path / 'absent.onnx')}, {_file_source(tmp_path / 'own.onnx')}"
    write_bundle(tmp_path, b"weights", sources=sources)
    assert fetch()
    assert "absent.onnx" in said[0]


def test_without_any_reachable_source_the_weights_are_unreachable(tmp_path: Path, fetch: Fetch) -> None:
    write_bundle(tmp_path, b"weights", sources=_file_source(tmp_path / "absent.onnx"))
    with pytest.raises(WeightsUnreachable):
        fetch()


def test_a_folder_of_ones_own_comes_before_every_source(
    tmp_path: Path, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(tmp_path, b"weights", sources=_file_source(tmp_path / "absent.onnx"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tiny.onnx").write_bytes(b"weights")
    monkeypatch.setenv("LIGHTHOUSE_WEIGHTS_SOURCE", str(tmp_path / "own"))
    assert fetch()["tiny.onnx"].read_bytes() == b"weights"


def _repaired(tmp_path: Path, result: bytes) -> Bundle:
    (tmp_path / "own.onnx").write_bytes(tiny_network())
    pinned = hashlib.sha256(result).hexdigest()
    fields = f'repair = {list(STEPS)}\nrepaired_sha256 = "{pinned}"'
    write_bundle(tmp_path, tiny_network(), sources=_file_source(tmp_path / "own.onnx"), repair=fields)
    return read_bundle("tiny", tmp_path)


def test_a_repair_runs_once_and_the_published_file_is_kept(tmp_path: Path, fetch: Fetch) -> None:
    mended = repair.mend(tiny_network(), STEPS)
    _repaired(tmp_path, mended)
    assert fetch()["tiny.onnx"].read_bytes() == mended
    assert (tmp_path / "weights/tiny/published/tiny.onnx").read_bytes() == tiny_network()


def test_a_damaged_repaired_file_is_mended_again_without_any_source(tmp_path: Path, fetch: Fetch) -> None:
    _repaired(tmp_path, repair.mend(tiny_network(), STEPS))
    fetch()["tiny.onnx"].write_bytes(b"damaged")
    (tmp_path / "own.onnx").unlink()
    assert fetch()["tiny.onnx"].read_bytes() == repair.mend(tiny_network(), STEPS)


def test_a_repair_that_gives_other_bytes_than_pinned_is_refused(tmp_path: Path, fetch: Fetch) -> None:
    _repaired(tmp_path, b"what another release of onnx would write")
    with pytest.raises(WeightsDigestMismatch) as refused:
        fetch()
    assert "onnx" in str(refused.value.facts["stage"])
    assert "tiny.onnx" not in _left(tmp_path)


def test_a_file_that_is_already_repaired_is_taken_as_it_is(tmp_path: Path, fetch: Fetch, said: list[str]) -> None:
    mended = repair.mend(tiny_network(), STEPS)
    _repaired(tmp_path, mended)
    (tmp_path / "own.onnx").write_bytes(mended)
    assert fetch()["tiny.onnx"].read_bytes() == mended
    assert said == []


def test_an_unknown_repair_step_is_refused() -> None:
    with pytest.raises(BundleInvalid):
        repair.mend(tiny_network(), ["make-it-better"])


def _wheel(folder: Path, member: str, content: bytes) -> None:
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinyweights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr("tinyweights/__init__.py", "raise SystemExit('this code must never run')")
        wheel.writestr("tinyweights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\n")
        wheel.writestr("tinyweights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tinyweights-1.0.dist-info/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index that is a folder, as the user's own pip settings may name one."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


WHEEL = '{ wheel = "tinyweights==1.0", member = "tinyweights/models/tiny.onnx" }'


def test_a_member_of_a_wheel_is_unpacked_alone(tmp_path: Path, fetch: Fetch, index: Path) -> None:
    _wheel(index, "tinyweights/models/tiny.onnx", b"weights")
    write_bundle(tmp_path, b"weights", sources=WHEEL)
    assert fetch()["tiny.onnx"].read_bytes() == b"weights"
    assert _left(tmp_path) == {"tiny.onnx"}


def test_a_member_that_points_out_of_the_folder_writes_only_its_own_file(
    tmp_path: Path, fetch: Fetch, index: Path
) -> None:
    _wheel(index, "../../evil/tinyweights/models/tiny.onnx", b"weights")
    write_bundle(tmp_path, b"weights", sources=WHEEL)
    assert fetch()["tiny.onnx"].read_bytes() == b"weights"
    assert list(tmp_path.rglob("evil")) == []


def test_a_wheel_without_the_member_is_no_source(tmp_path: Path, fetch: Fetch, index: Path, said: list[str]) -> None:
    _wheel(index, "tinyweights/other.onnx", b"weights")
    write_bundle(tmp_path, b"weights", sources=WHEEL)
    with pytest.raises(WeightsUnreachable):
        fetch()
    assert "0 members" in said[-1]


def test_a_wheel_that_the_index_does_not_know_is_no_source(
    tmp_path: Path, fetch: Fetch, index: Path, said: list[str]
) -> None:
    index.mkdir()
    write_bundle(tmp_path, b"weights", sources=WHEEL)
    with pytest.raises(WeightsUnreachable):
        fetch()
    assert "tinyweights==1.0" in said[-1]
