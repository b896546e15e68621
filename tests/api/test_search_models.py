"""Several models side by side: whoever any of them knows is found, and all of them are heard."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.app import create_app
from api.gallery import census, replica
from api.gallery.matcher import Matcher, open_matcher
from api.gallery.models import TemplateRow
from api.jobs.models import Job
from api.kit.node import Node
from api.search.ask import Answer, Question, look_up, look_up_all
from api.search.compare import Shown, compare, shown_faces
from facematch import images
from facematch.ensemble import Ensemble
from facematch.extractor import Extractor
from tests.api.papers import enrolled
from tests.api.photographs import Photographs
from tests.api.searching import REASON, Scene, an_open_request, people
from tests.api.test_search_secrecy import longest_list, numbers
from tests.api.world import World


@pytest.fixture
def both(node: Node, opencv_zoo: Extractor, buffalo_sc: Extractor) -> Matcher:
    return open_matcher(node, eye=Ensemble([opencv_zoo, buffalo_sc]))


@pytest.fixture
def second(node: Node, buffalo_sc: Extractor) -> Matcher:
    return open_matcher(node, eye=Ensemble([buffalo_sc]))


@pytest.fixture
def scene(node: Node, both: Matcher, world: World) -> Scene:
    return Scene(node, both, world)


def asked(scene: Scene, picture: bytes, *, floor: float = 1.0) -> Question:
    """A question about a sought person, as a probe asks it."""
    _, (face,) = scene.matcher.eye.faces_in(picture)
    left, right = face.detection.landmarks[:2]
    person = scene.report().persons[0]
    eye_px = float(np.linalg.norm(left - right))
    return Question(person=person, templates=face.templates, taken_on="2026-02", eye_px=eye_px, floor=floor)


def shown(scene: Scene) -> list[Shown]:
    """Every findable face of the only person there is."""
    with scene.node.db.read() as session:
        keys = set(session.scalars(sa.select(TemplateRow.person_key)))
        ((_, faces),) = shown_faces(session, scene.node.vault, scene.matcher.contracts, keys).items()
    return faces


def worth(scene: Scene, question: Question, faces: list[Shown]) -> float:
    hit = compare(scene.matcher, question, faces, persons=1)
    assert hit is not None
    return hit.likelihood.nominal_log10_lr


def told(answers: list[Answer]) -> list[list[tuple[str, float]]]:
    return [[(hit.face_id, hit.likelihood.nominal_log10_lr) for hit in answer.hits] for answer in answers]


def test_a_search_under_two_contracts_finds_the_person_and_names_both(scene: Scene, photographs: Photographs) -> None:
    astronaut = scene.found(photographs.astronaut)
    scene.found(photographs.stranger)
    run = scene.searched(photographs.astronaut_later)
    assert people(run) == [astronaut.id]
    assert run.contract == "+".join(scene.matcher.contracts)
    assert all(memory.calibration.id in run.calibration for memory in scene.matcher.memories)


def test_a_new_photo_gets_a_template_under_every_contract_and_is_announced_once(
    scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    with scene.node.db.read() as session:
        rows = session.execute(sa.select(TemplateRow.contract, TemplateRow.active).order_by(TemplateRow.key)).all()
        assert session.query(Job).where(Job.name == "search.standing").count() == 1
    assert [tuple(row) for row in rows] == [(contract, True) for contract in scene.matcher.contracts]


@pytest.mark.parametrize("known_to", [0, 1])
def test_a_person_who_has_only_one_of_both_contracts_is_found(
    scene: Scene, photographs: Photographs, known_to: int
) -> None:
    alone = open_matcher(scene.node, eye=Ensemble([scene.matcher.eye.extractors[known_to]]))
    photo = enrolled(scene.node, alone, scene.world.registrar, photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    assert (people(run), run.gallery_persons) == ([photo.case_id], 1)


def test_two_models_that_agree_say_no_less_than_the_weaker_one(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    question, (face,) = asked(scene, photographs.astronaut_later), shown(scene)
    views = [face, *(replace(face, templates={one: face.templates[one]}) for one in scene.matcher.contracts)]
    together, *alone = (worth(scene, question, [view]) for view in views)
    assert min(alone) <= together


def test_three_photos_say_no_less_than_the_best_but_for_the_discount(scene: Scene, photographs: Photographs) -> None:
    dark = images.degrade(photographs.astronaut, scale=0.5, brightness=0.5, jpeg_quality=30, turn_degrees=3)
    case = scene.found(photographs.astronaut)
    for picture in (dark, photographs.astronaut_later):
        scene.with_photo(case, picture, by="registrar")
    question, faces = asked(scene, photographs.astronaut_later + b"\0"), shown(scene)
    alone = [worth(scene, question, [face]) for face in faces]
    together = compare(scene.matcher, question, faces, persons=1)
    assert together is not None
    assert together.face_id == faces[alone.index(max(alone))].face_id
    assert (len(faces), together.likelihood.nominal_log10_lr >= max(alone) - math.log10(3)) == (3, True)


def test_many_questions_at_once_are_answered_like_each_alone(scene: Scene, photographs: Photographs) -> None:
    for picture in (photographs.astronaut, photographs.stranger):
        scene.found(picture)
    questions = [asked(scene, picture, floor=-9) for picture in (photographs.astronaut_later, photographs.stranger)]
    now = scene.node.clock()
    together = look_up_all(scene.node, scene.matcher, questions, now=now)
    alone = [look_up(scene.node, scene.matcher, question, now=now) for question in questions]
    assert told(together) == told(alone)
    assert [len(answer.hits) for answer in together] == [2, 2]
    assert all(first >= second for row in told(alone) for (_, first), (_, second) in pairwise(row))


def test_catching_up_keeps_every_memory_in_step(scene: Scene, second: Matcher, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    enrolled(scene.node, second, scene.world.registrar, photographs.stranger)
    replica.catch_up(scene.node, scene.matcher)
    assert [memory.live.stamp.count for memory in scene.matcher.memories] == [1, 2]
    assert all(replica.verify(scene.node, memory.live).ok for memory in scene.matcher.memories)


def test_people_are_counted_once_whatever_their_photos_and_contracts(
    scene: Scene, second: Matcher, photographs: Photographs
) -> None:
    case = scene.found(photographs.astronaut)
    scene.with_photo(case, photographs.astronaut_later, by="registrar")
    enrolled(scene.node, second, scene.world.registrar, photographs.stranger)
    first, other = scene.matcher.contracts
    with scene.node.db.read() as session:
        sizes = [census.gallery_size(session, asked_of, 1, ()) for asked_of in ([first], [other], [first, other])]
        assert (census.only_under(session, other), census.without(session, first)) == (1, 1)
        assert census.is_true(session)
    assert sizes == [1, 2, 2]


def test_no_answer_of_two_models_holds_a_cosine_a_nominal_value_or_a_vector(
    scene: Scene, photographs: Photographs
) -> None:
    scene.found(photographs.astronaut)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    sent = {"files": {"file": photographs.astronaut_later}, "data": {"reason": REASON, "taken_on": "2026-02"}}
    with TestClient(create_app(scene.node, scene.matcher)) as client:
        answer = client.post(f"/v1/requests/{request.id}/searches", headers=scene.world.headers("requester"), **sent)
    faces = [
        scene.matcher.eye.faces_in(p)[1][0].templates for p in (photographs.astronaut, photographs.astronaut_later)
    ]
    secret = [float(faces[0][contract] @ faces[1][contract]) for contract in scene.matcher.contracts]
    assert answer.json()["coverage"]["outcome"] == "candidates"
    assert not any(np.isclose(number, secret, atol=5e-3).any() for number in numbers(answer.json()))
    assert longest_list(answer.json()) <= 20
