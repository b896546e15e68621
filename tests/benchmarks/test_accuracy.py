"""Claims about the protocol of accuracy.py, on scores whose answer is known, and a short run on real faces."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.accuracy import (
    Scored,
    best_threshold,
    equal_error_rate,
    error_rates,
    fold_accuracies,
    score,
    true_accepts,
)
from benchmarks.frame import CannotMeasure
from benchmarks.pairs import Pair, read_pairs, read_people
from benchmarks.templates import Embedded


def faces(*eye_px: float) -> NDArray[np.float32]:
    """Landmarks whose eyes are so many pixels apart; 0 where no face was found."""
    landmarks = np.zeros((len(eye_px), 5, 2), np.float32)
    landmarks[:, 1, 0] = eye_px
    return landmarks


def scored(genuine: list[float], impostor: list[float], folds: int = 1) -> Scored:
    same = np.array([True] * len(genuine) + [False] * len(impostor))
    return Scored(np.array(genuine + impostor), same, np.arange(len(same)) % folds)


def test_separated_scores_are_told_apart_without_error() -> None:
    pairs = scored([0.6, 0.7, 0.8, 0.9], [0.0, 0.1, 0.2, 0.3], folds=2)
    assert fold_accuracies(pairs).tolist() == [1.0, 1.0]
    assert equal_error_rate(pairs) == 0.0


def test_threshold_lies_between_the_scores_it_separates() -> None:
    pairs = scored([0.6, 0.7], [0.1, 0.2])
    assert best_threshold(pairs.cosine, pairs.same) == pytest.approx(0.4)


def test_fold_is_judged_by_the_threshold_of_the_others() -> None:
    cosine = np.array([0.9, 0.1, 0.4, 0.3])
    same = np.array([True, False, True, False])
    fold = np.array([0, 0, 1, 1])
    assert fold_accuracies(Scored(cosine, same, fold)).tolist() == [1.0, 0.5]


def test_equal_error_rate_counts_both_kinds_of_error() -> None:
    assert equal_error_rate(scored([0.2, 0.7, 0.8, 0.9], [0.0, 0.1, 0.3, 0.75])) == 0.25


def test_score_at_the_threshold_is_a_match() -> None:
    fmr, fnmr = error_rates(scored([0.5], [0.5]))
    assert (fmr.tolist(), fnmr.tolist()) == ([1.0], [0.0])


def test_true_accepts_allow_just_the_stated_false_ones() -> None:
    pairs = scored([0.35, 0.45, 0.55, 0.9], [0.0] * 8 + [0.4, 0.5])
    assert true_accepts(pairs, at_far=0.1) == 0.75
    assert true_accepts(pairs, at_far=0.01) == 0.5


def test_picture_without_a_face_makes_a_miss_and_is_not_left_out() -> None:
    templates = np.array([[1, 0], [1, 0], [0, 0]], np.float32)
    embedded = Embedded(templates, faces(40, 40, 0))
    pairs = [Pair(0, 1, True, 0), Pair(0, 2, True, 0)]
    assert score(pairs, embedded).cosine.tolist() == [1.0, -1.0]


def test_pairs_beyond_the_pictures_embedded_are_not_judged() -> None:
    embedded = Embedded(np.eye(2, dtype=np.float32), faces(40, 40))
    assert len(score([Pair(0, 1, False, 0), Pair(0, 2, True, 0)], embedded).same) == 1


def test_pairs_are_dealt_round_so_that_a_part_is_balanced(tmp_path: Path) -> None:
    kinds = [(same, fold) for fold in range(2) for same in (1, 0) for _ in range(3)]
    lines = [f"a/{number}.jpg,b/{number}.jpg,{same},{fold}" for number, (same, fold) in enumerate(kinds)]
    (tmp_path / "pairs.csv").write_text("path1,path2,same,fold\n" + "\n".join(lines))
    _, pairs = read_pairs(tmp_path)
    assert {(pair.same, pair.fold) for pair in pairs[:4]} == {(True, 0), (False, 0), (True, 1), (False, 1)}


def test_people_are_the_folders_of_the_pictures(tmp_path: Path) -> None:
    for name in ("ann/1.jpg", "ann/2.png", "bob/1.jpeg", "bob/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(read_people(tmp_path).people) == ["ann", "ann", "bob"]


def test_folder_without_people_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure):
        read_people(tmp_path)


def test_protocol_of_labelled_faces_in_the_wild_is_complete(faces_dir: Path) -> None:
    pictures, pairs = read_pairs(faces_dir / "lfw")
    assert (len(pictures.paths), len(pairs), sum(pair.same for pair in pairs)) == (7701, 6000, 3000)


def test_kept_figures_reach_the_target() -> None:
    folder = Path(__file__).parents[2] / "benchmarks" / "results"
    rows = json.loads(sorted(folder.glob("accuracy-*.json"))[-1].read_text())["rows"]
    assert all(row["ok"] for row in rows if row["target"])
