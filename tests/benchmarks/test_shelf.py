"""Claims about templates kept between runs: found by the picture, and never under other code or weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.shelf import Shelf
from facematch.extractor import Extractor

TEMPLATE, LANDMARKS = np.full(128, 0.5, np.float32), np.ones((5, 2), np.float32)


def test_what_was_put_on_the_shelf_is_found_in_the_next_run(tmp_path: Path, opencv_zoo: Extractor) -> None:
    shelf = Shelf(tmp_path, opencv_zoo)
    shelf.put(b"a picture", (TEMPLATE, LANDMARKS))
    shelf.close()
    again = Shelf(tmp_path, opencv_zoo)
    assert b"a picture" in again
    assert b"another picture" not in again
    assert all(map(np.array_equal, again[b"a picture"], (TEMPLATE, LANDMARKS)))


def test_other_detector_settings_have_a_shelf_of_their_own(tmp_path: Path, opencv_zoo: Extractor) -> None:
    detector = replace(opencv_zoo.bundle.detector, confidence=0.5)
    other = Extractor(replace(opencv_zoo.bundle, detector=detector), opencv_zoo.detector, opencv_zoo.embedder)
    assert other.contract == opencv_zoo.contract
    assert Shelf(tmp_path, other).path != Shelf(tmp_path, opencv_zoo).path


def test_a_run_that_learnt_nothing_writes_nothing(tmp_path: Path, opencv_zoo: Extractor) -> None:
    Shelf(tmp_path, opencv_zoo).close()
    assert list(tmp_path.iterdir()) == []
