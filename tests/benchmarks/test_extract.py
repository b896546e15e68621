"""Claims about the measurement of extraction: what it is held against, and the photos it is made on."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import extract, extract_photos, worker_memory
from benchmarks.extract_peers import feeds_of, gathered, listening, peer_of, replay
from benchmarks.frame import CANNOT_MEASURE, CannotMeasure
from facematch import images
from facematch.extractor import Extractor
from tests.facematch import pictures


@pytest.fixture(scope="module")
def faces() -> list[bytes]:
    return [pictures.jpeg(pictures.astronaut(side)) for side in (200, 250)]


def test_without_real_faces_it_says_so_and_measures_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LIGHTHOUSE_FACES", raising=False)
    monkeypatch.setattr("sys.argv", ["extract", "--quick", "--results", str(tmp_path)])
    assert extract.main() == CANNOT_MEASURE
    assert not list(tmp_path.iterdir())


def test_a_bundle_without_a_peer_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure):
        peer_of("antelopev2", tmp_path / "peer", threads=1)


def test_the_peer_of_the_default_bundle_sees_the_same_faces(opencv_zoo: Extractor, faces: list[bytes]) -> None:
    _, look = peer_of("opencv-zoo", Path("unused"), threads=1)
    assert [look(data) for data in faces] == [len(opencv_zoo.faces_in(data)[1]) for data in faces] == [1, 1]


def test_the_limit_replays_every_run_of_the_path(opencv_zoo: Extractor, faces: list[bytes]) -> None:
    every = feeds_of(opencv_zoo, faces)
    with listening() as again:
        replay(every, threads=1)
    fed = [feeds for one in every for _, feeds in one]
    assert len(again) == len(fed) >= 4
    for (_, ours), theirs in zip(again, fed, strict=True):
        assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_gathering_crops_loses_none(opencv_zoo: Extractor, faces: list[bytes]) -> None:
    every = gathered(feeds_of(opencv_zoo, faces), batch=8)
    crops = [array for one in every for _, feeds in one for array in feeds.values() if array.shape[2:] == (112, 112)]
    assert [len(array) for array in crops] == [2]


def test_large_photos_are_twelve_megapixels_and_the_same_for_a_seed(faces: list[bytes]) -> None:
    (photo,), (again,) = (extract_photos.large_photos(faces, 1, seed=5) for _ in range(2))
    assert photo == again
    assert images.open_picture(photo).shape == (3000, 4000, 3)
    assert len(photo) > 1_500_000


def test_memory_that_grows_is_told_from_memory_that_does_not() -> None:
    flat, growing = np.full(200, 400.0), 400 + np.linspace(0, 40, 200)
    peak, growth, second_half = worker_memory.rows_of("flat", flat)
    assert (peak.value, peak.ok, growth.ok) == (400, True, True)
    assert second_half.value == pytest.approx(0, abs=1e-6)
    peak, growth, second_half = worker_memory.rows_of("growing", growing)
    assert growth.ok is False
    assert growth.value == pytest.approx(9, abs=0.5)
    assert second_half.value == pytest.approx(4.8, abs=0.2)


def test_the_curve_of_a_run_that_breaks_off_is_kept_block_by_block(tmp_path: Path) -> None:
    curve = tmp_path / "results" / "curve.json"

    def breaking() -> Iterator[None]:
        yield from [None] * (2 * worker_memory.BLOCK + 7)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker_memory.watch(breaking(), 100_000, bundle="opencv-zoo", curve=curve)
    kept = json.loads(curve.read_text())
    assert kept["photos"] == [worker_memory.BLOCK, 2 * worker_memory.BLOCK]
    assert all(0 < mean < 100_000 for mean in kept["mean_mib"])


def test_watching_takes_its_memory_before_it_begins() -> None:
    held: list[int] = []

    def looking() -> Iterator[None]:
        for number in range(3_000):
            if number in (500, 2_999):
                held.append(tracemalloc.get_traced_memory()[0])
            yield None

    tracemalloc.start()
    worker_memory.watch(looking(), 3_000, bundle="", curve=None)
    tracemalloc.stop()
    assert held[1] - held[0] < 5_000  # a list of what was seen takes 80,000
