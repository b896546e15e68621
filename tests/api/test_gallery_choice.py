"""Which face stands for a person, who may say so, and when it is found no longer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import NotPermitted
from api.cases import service as cases
from api.cases.models import Photo
from api.gallery import enrol, history, replica, service
from api.gallery.matcher import Matcher
from api.gallery.models import Face, GalleryChange, TemplateRow
from api.jobs.models import Job
from api.kit.node import Node
from api.kit.problems import NotFound, WrongState
from index.types import EVERYTHING
from tests.api.papers import a_found_person, a_photo, enrolled, in_state
from tests.api.photographs import Photographs
from tests.api.world import World


def faces_of(node: Node, photo: Photo) -> list[Face]:
    with node.db.read() as session:
        return service.faces_of_photo(session, photo.id)


def choose(node: Node, world: World, photo: Photo, face: Face, *, who: str = "registrar") -> None:
    with node.db.write() as session:
        service.choose_face(session, getattr(world, who), photo.id, face.id, now=node.clock())


def found_faces(node: Node, matcher: Matcher, photo: Photo) -> list[int]:
    """Ordinals of the faces that a search for each face of the photo finds as itself."""
    replica.catch_up(node, matcher)
    hits = []
    for face in faces_of(node, photo):
        with node.db.read() as session:
            template = service.templates_of(session, node.vault, face.id, matcher.contracts)[matcher.contract]
        (best,) = matcher.leading.live.search(template[None], 1, EVERYTHING)
        hits += [face.ordinal] if best and best[0].cosine > 0.999 else []
    return hits


def move(node: Node, world: World, photo: Photo, event: str) -> None:
    with node.db.write() as session:
        cases.cause(session, world.registrar, photo.case_id, event, revision=None, note=None, now=node.clock())
    with node.db.write() as session:
        service.reconcile_case(session, photo.case_id, now=node.clock())


def test_chosen_face_is_found_and_the_others_are_not(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    choose(node, world, photo, faces_of(node, photo)[3])
    assert found_faces(node, matcher, photo) == [3]
    assert faces_of(node, photo)[3].chosen_by == world.registrar.user_id


def test_changed_choice_takes_the_earlier_face_out(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    for ordinal in (3, 1):
        choose(node, world, photo, faces_of(node, photo)[ordinal])
    assert found_faces(node, matcher, photo) == [1]
    assert [face.chosen_by is not None for face in faces_of(node, photo)] == [False, True, False, False, False, False]


def test_same_choice_again_changes_no_gallery(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    for _ in range(2):
        choose(node, world, photo, faces_of(node, photo)[2])
    with node.db.read() as session:
        changes = session.scalars(sa.select(GalleryChange)).all()
        jobs = session.scalars(sa.select(Job).where(Job.name == "search.standing")).all()
    assert (len(changes), len(jobs)) == (1, 1)


def test_each_new_choice_is_searched_for(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    chosen = [faces_of(node, photo)[ordinal] for ordinal in (0, 5)]
    for face in chosen:
        choose(node, world, photo, face)
    with node.db.read() as session:
        jobs = session.scalars(sa.select(Job).where(Job.name == "search.standing").order_by(Job.id)).all()
    assert {str(job.payload["face_id"]) for job in jobs} == {face.id for face in chosen}


def test_face_of_another_photo_cannot_be_chosen(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    group = enrolled(node, matcher, world.registrar, photographs.group)
    other = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with pytest.raises(NotFound):
        choose(node, world, group, faces_of(node, other)[0])


@pytest.mark.parametrize(
    ("who", "refusal"),
    [("requester", NotFound), ("coordinator", NotPermitted), ("expert_a", NotPermitted), ("verifier", NotPermitted)],
)
def test_only_the_own_case_worker_chooses(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, who: str, refusal: type[Exception]
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    with pytest.raises(refusal):
        choose(node, world, photo, faces_of(node, photo)[0], who=who)
    assert found_faces(node, matcher, photo) == []


def test_photo_without_a_face_offers_no_choice(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    nobody = enrolled(node, matcher, world.registrar, photographs.nobody)
    other = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with pytest.raises(WrongState):
        choose(node, world, nobody, faces_of(node, other)[0])


def test_closed_case_leaves_the_index_and_comes_back_reopened(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo, found = enrolled(node, matcher, world.registrar, photographs.astronaut), []
    for event in ("withdraw", "reopen"):
        move(node, world, photo, event)
        found.append(found_faces(node, matcher, photo))
    assert found == [[], [0]]


@pytest.mark.parametrize("state", ["home", "followed_up", "closed", "withdrawn", "duplicate", "handed_off"])
def test_who_is_no_longer_looked_for_is_not_found(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, state: str
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        case = session.get_one(Photo, photo.id).person.case
    in_state(node, case, state)
    with node.db.write() as session:
        service.reconcile_case(session, photo.case_id, now=node.clock())
    assert found_faces(node, matcher, photo) == []


def test_revisions_have_no_gap_and_no_repetition(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    for ordinal in (0, 4, 2):
        choose(node, world, photo, faces_of(node, photo)[ordinal])
    move(node, world, photo, "withdraw")
    with node.db.read() as session:
        changes = session.scalars(sa.select(GalleryChange).order_by(GalleryChange.revision)).all()
        head = replica.head_revision(session, matcher.contract)
    assert [change.revision for change in changes] == [1, 2, 3, 4, 5, 6]
    assert ([change.present for change in changes], head) == ([True, False, True, False, True, False], 6)


def test_photos_enrolled_at_once_get_revisions_without_a_gap(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    pictures = [photographs.astronaut, photographs.astronaut_later, photographs.stranger] * 2
    added = [a_photo(node, world.registrar, a_found_person(node, world.registrar), picture) for picture in pictures]
    with ThreadPoolExecutor(len(added)) as pool:
        list(pool.map(lambda photo: enrol.enrol_photo(node, matcher, photo.id, now=node.clock()), added))
    with node.db.read() as session:
        revisions = session.scalars(sa.select(GalleryChange.revision).order_by(GalleryChange.revision)).all()
    assert revisions == [1, 2, 3, 4, 5, 6]
    assert replica.catch_up(node, matcher) == 6


def test_one_photo_enrolled_by_two_workers_at_once_is_enrolled_once(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = a_photo(node, world.registrar, a_found_person(node, world.registrar), photographs.astronaut)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: enrol.enrol_photo(node, matcher, photo.id, now=node.clock()), range(2)))
    assert len(faces_of(node, photo)) == 1


@pytest.mark.parametrize("first_of_all", [True, False])
def test_change_waits_for_one_that_is_not_yet_committed(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, first_of_all: bool
) -> None:
    before = 0 if first_of_all else len([enrolled(node, matcher, world.registrar, photographs.stranger)])
    photos = [enrolled(node, matcher, world.registrar, photographs.astronaut, role="probe") for _ in range(2)]

    def activate(session: Session, photo: Photo) -> None:
        query = sa.select(TemplateRow).join(Face, TemplateRow.face_id == Face.id).where(Face.photo_id == photo.id)
        history.activate(session, session.scalars(query).all(), now=node.clock())

    def activate_second() -> None:
        with node.db.write() as session:
            activate(session, photos[1])

    second = Thread(target=activate_second)
    with node.db.write() as session:
        activate(session, photos[0])
        second.start()
        second.join(timeout=0.5)
        assert second.is_alive()
    second.join()
    assert replica.catch_up(node, matcher) == before + 2
    assert matcher.leading.live.stamp.count == before + 2
