"""The benchmark for cards runs from end to end where there is none, and says when a part breaks off."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import gpu, stand_in
from benchmarks.gpu_part import Target
from facematch.card import Choices
from facematch.devices import describe_device
from facematch.extractor import Extractor


def rows_of(*words: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "benchmarks.gpu", "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])["rows"]
    return rows


@pytest.mark.parametrize("part", list(gpu.PARTS))
def test_a_part_comes_to_its_end_in_a_rehearsal(opencv_zoo: Extractor, part: str) -> None:
    measures = [str(row["measure"]) for row in rows_of("--rehearse", "--only", part)]
    assert measures[-1] == f"{part}: complete"
    assert len(measures) > 2


def test_without_a_card_nothing_is_measured_and_the_doctor_is_named() -> None:
    if describe_device("cuda").usable:
        pytest.skip("this machine has a card")
    done = subprocess.run([sys.executable, "-m", "benchmarks.gpu"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "lighthouse doctor" in done.stderr


def test_all_parts_together_stay_under_nine_minutes() -> None:
    assert sum(gpu.PARTS.values()) < 9 * 60


def test_the_stand_in_says_the_same_in_float16() -> None:
    pictures = np.random.default_rng(2).integers(0, 256, (4, 112, 112, 3), dtype=np.uint8)
    target = Target("cuda:0", rehearse=True)
    exact, halved = (
        target.open(stand_in.arcface(((2, 8), (1, 16))), sizes=[(112, 112)], choices=Choices(half=half, counts=(1, 4)))
        for half in (False, True)
    )
    one, other = (session.outputs_of(pictures)[0] for session in (exact, halved))
    cosines = np.sum(one * other, axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert cosines.min() >= 0.9995


def test_the_stand_in_costs_what_arcface_costs() -> None:
    assert stand_in.multiply_adds(stand_in.arcface(), 112, 112) == pytest.approx(6.3e9, rel=0.01)
