"""Many pictures: an answer for each, in order, few at a time, and one that is refused stops nobody."""

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facematch import images
from facematch.bundle import default_models_dir
from facematch.ensemble import Ensemble
from facematch.errors import ImageDamaged, NotAPicture
from facematch.extractor import Extractor, open_extractor
from facematch.pipeline import AHEAD, Extracted, Refused, extract_many
from tests.facematch import pictures

WORKERS = 2


@pytest.fixture(scope="module")
def eye(weights_dir: Path) -> Extractor:
    return open_extractor("opencv-zoo", models_dir=default_models_dir(), weights_dir=weights_dir, threads=1)


@pytest.fixture(scope="module")
def mixed() -> list[tuple[str, bytes]]:
    """Large and small, with faces and without, sound and not."""
    face, empty = pictures.astronaut(400), np.full((50, 40, 3), 90, np.uint8)
    whole = pictures.jpeg(face)
    sound = [("large", whole), ("empty", pictures.jpeg(empty)), ("turned", pictures.turned_jpeg(face[:300], 6))]
    return [*sound, ("text", b"no picture"), ("broken", whole[:9000]), *[(f"more-{n}", whole) for n in range(5)]]


def test_answers_come_in_the_order_of_the_questions(eye: Extractor, mixed: list[tuple[str, bytes]]) -> None:
    answers = list(extract_many(eye, mixed, workers=WORKERS))
    assert [answer.key for answer in answers] == [key for key, _ in mixed]


def test_what_is_refused_is_a_value_and_stops_nobody(eye: Extractor, mixed: list[tuple[str, bytes]]) -> None:
    answers = {answer.key: answer for answer in extract_many(eye, mixed, workers=WORKERS)}
    refused = {key: answer.refusal for key, answer in answers.items() if isinstance(answer, Refused)}
    assert {key: type(refusal) for key, refusal in refused.items()} == {"text": NotAPicture, "broken": ImageDamaged}
    assert refused["text"].facts == {"bytes": 10}
    assert isinstance(answers["more-4"], Extracted)


def test_many_at_once_are_seen_as_one_alone(eye: Extractor, mixed: list[tuple[str, bytes]]) -> None:
    alone = {key: eye.faces_in(data) for key, data in mixed[:3]}
    for answer in extract_many(Ensemble([eye]), mixed[:3], workers=WORKERS):
        assert isinstance(answer, Extracted)
        picture, faces = alone[answer.key]
        assert (answer.width, answer.height) == (picture.width, picture.height)
        assert [face.detection.confidence for face in answer.faces] == [face.detection.confidence for face in faces]
        for ours, theirs in zip(answer.faces, faces, strict=True):
            assert float(ours.templates[eye.contract] @ theirs.templates[eye.contract]) > 0.9999


def test_the_picture_to_store_comes_along_where_it_is_asked_for(eye: Extractor) -> None:
    stored = [("one", pictures.turned_jpeg(pictures.astronaut(200)[:150], 8))]
    (plain,), (kept,) = (list(extract_many(eye, stored, workers=1, storing=storing)) for storing in (False, True))
    assert isinstance(plain, Extracted)
    assert isinstance(kept, Extracted)
    assert plain.clean is None
    assert kept.clean == images.clean(stored[0][1])
    assert (kept.clean.width, kept.clean.height) == (kept.width, kept.height) == (200, 150)


def test_no_more_is_read_ahead_than_the_window_holds(eye: Extractor) -> None:
    taken: list[int] = []

    def endless() -> Iterator[tuple[int, bytes]]:
        data = pictures.jpeg(np.full((40, 40, 3), 90, np.uint8))
        for number in range(10_000):
            taken.append(number)
            yield number, data

    answers = extract_many(eye, endless(), workers=WORKERS)
    for given in range(10):
        assert next(answers).key == given
        assert len(taken) <= given + 1 + AHEAD * WORKERS
    answers.close()  # type: ignore[attr-defined]
    assert len(taken) <= 10 + AHEAD * WORKERS


def test_any_other_error_comes_out_and_ends_the_work(eye: Extractor) -> None:
    def failing() -> Iterator[tuple[int, bytes]]:
        yield 0, pictures.jpeg(pictures.astronaut(64))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(extract_many(eye, failing(), workers=WORKERS))


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def test_memory_does_not_grow_with_the_number_of_pictures(eye: Extractor) -> None:
    large = np.full((1000, 1500, 3), 120, np.uint8)  # 4.5 MB of pixels, and one face
    large[:400, :400] = pictures.astronaut(400)
    sent = ((number, pictures.jpeg(large, quality=80)) for number in range(24))
    answers = extract_many(eye, sent, workers=WORKERS, storing=True)
    for _ in range(8):
        next(answers)
    before = _resident_mib()
    assert sum(len(answer.faces) for answer in answers if isinstance(answer, Extracted)) >= 16
    assert _resident_mib() - before < 40  # sixteen pictures are 72 MB
