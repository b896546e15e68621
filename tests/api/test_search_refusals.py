"""What a search is refused for, and that a refusal leaves nothing behind."""

import pytest
import sqlalchemy as sa

from api.accounts.policy import NotPermitted
from api.cases.models import Photo
from api.gallery.enrol import enrol_photo
from api.gallery.matcher import Matcher
from api.gallery.models import Face, TemplateRow
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, Refusal
from api.requests.models import SearchRequest
from api.requests.policy import RequestNotOpen
from api.search.ask import CouldNotLook
from api.search.models import SearchRun
from api.search.probe import FaceChoiceNeeded, ProbeFace, search_probe
from facematch.errors import NoFaceFound, NotAPicture
from tests.api.papers import a_found_person, a_photo, in_state
from tests.api.photographs import Photographs
from tests.api.searching import REASON, SOUGHT, Scene, an_open_request
from tests.api.world import World


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


@pytest.fixture
def request_(scene: Scene) -> SearchRequest:
    return an_open_request(scene.node, scene.world.requester, scene.report())


def nothing_written(scene: Scene) -> bool:
    blobs = [path for path in scene.node.blobs.folder.rglob("*") if path.is_file()]
    with scene.node.db.read() as session:
        rows = [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Photo, Face, SearchRun)]
    return rows == [0, 0, 0] and blobs == []


def test_several_faces_and_no_choice_send_the_boxes_back(
    scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    with pytest.raises(FaceChoiceNeeded) as refused:
        scene.search(request_, photographs.group)
    facts = refused.value.facts
    assert len(facts["boxes"]) == 6
    assert all(0 <= x < facts["width"] and 0 <= y < facts["height"] for x, y, _, _ in facts["boxes"])
    assert nothing_written(scene)


def test_chosen_face_of_a_group_is_the_one_asked_for(
    scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    run = scene.search(request_, photographs.group, choice=3)
    with scene.node.db.read() as session:
        face = session.get_one(Face, run.face_id)
        others = session.scalars(sa.select(Face.chosen_by).where(Face.id != face.id)).all()
    assert (face.ordinal, face.chosen_by) == (3, scene.world.requester.user_id)
    assert others == [None] * 5


def test_choice_beyond_the_faces_is_refused(scene: Scene, request_: SearchRequest, photographs: Photographs) -> None:
    with pytest.raises(InvalidInput):
        scene.search(request_, photographs.astronaut, choice=1)
    assert nothing_written(scene)


def test_picture_without_a_face_is_refused(scene: Scene, request_: SearchRequest, photographs: Photographs) -> None:
    with pytest.raises(NoFaceFound):
        scene.search(request_, photographs.nobody)
    assert nothing_written(scene)


def test_what_is_no_picture_is_refused(scene: Scene, request_: SearchRequest) -> None:
    with pytest.raises(NotAPicture):
        scene.search(request_, b"%PDF-1.7 not a picture at all")
    assert nothing_written(scene)


@pytest.mark.parametrize("reason", ["", "  ", "x"])
def test_search_without_a_reason_is_refused(
    scene: Scene, request_: SearchRequest, photographs: Photographs, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        scene.search(request_, photographs.astronaut, reason=reason)
    assert refused.value.facts == {"field": "reason"}
    assert nothing_written(scene)


@pytest.mark.parametrize("state", ["returned_for_info", "resolved", "closed"])
def test_search_under_a_request_that_is_not_open_is_refused(
    scene: Scene, request_: SearchRequest, photographs: Photographs, state: str
) -> None:
    with scene.node.db.write() as session:
        session.get_one(SearchRequest, request_.id).state = state
    with pytest.raises(RequestNotOpen):
        scene.search(request_, photographs.astronaut)
    assert nothing_written(scene)


def test_search_about_a_case_that_has_ended_is_refused(
    scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    in_state(scene.node, request_.case, "closed")
    with pytest.raises(RequestNotOpen):
        scene.search(request_, photographs.astronaut)
    assert nothing_written(scene)


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("requester2", NotFound),
        ("registrar", NotFound),
        ("coordinator", NotPermitted),
        ("expert_police", NotPermitted),
        ("verifier", NotPermitted),
        ("liaison_police", NotPermitted),
        ("auditor", NotPermitted),
    ],
)
def test_only_case_workers_of_the_own_organisation_search(
    scene: Scene, request_: SearchRequest, photographs: Photographs, who: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        scene.search(request_, photographs.astronaut, by=who)
    assert nothing_written(scene)


def test_case_with_several_persons_asks_who_is_meant(scene: Scene, photographs: Photographs) -> None:
    case = scene.report(persons=SOUGHT["persons"] * 2)
    request = an_open_request(scene.node, scene.world.requester, case)
    with pytest.raises(InvalidInput) as refused:
        scene.search(request, photographs.astronaut)
    assert refused.value.facts == {"field": "person_id"}
    assert scene.search(request, photographs.astronaut, person_id=case.persons[1].id).person_id == case.persons[1].id


def test_face_of_another_case_is_not_found(scene: Scene, request_: SearchRequest, photographs: Photographs) -> None:
    scene.report(photographs.astronaut)
    assert isinstance(ask_stored(scene, request_), NotFound)


def test_relatives_picture_is_nobody_to_ask_for(
    scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    scene.with_photo(request_.case, photographs.astronaut, by="requester", role="relative")
    refused = ask_stored(scene, request_)
    assert isinstance(refused, InvalidInput)
    assert refused.facts == {"field": "face_id", "value": "relative"}


def test_gallery_that_cannot_be_read_is_not_an_empty_answer(
    scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    """We could not look is another sentence than we found nobody."""
    case = a_found_person(scene.node, scene.world.registrar)
    photo = a_photo(scene.node, scene.world.registrar, case, photographs.astronaut)
    enrol_photo(scene.node, scene.matcher, photo.id, now=scene.node.clock())
    with scene.node.db.write() as session:
        session.execute(sa.update(TemplateRow).values(sealed=b"\x01" + bytes(60)))
    with pytest.raises(CouldNotLook) as refused:
        scene.search(request_, photographs.astronaut_later)
    assert refused.value.facts == {"because": "seal-broken"}
    with scene.node.db.read() as session:
        assert session.scalars(sa.select(SearchRun)).all() == []


def test_stored_face_without_a_template_of_these_weights_could_not_be_asked(
    scene: Scene, request_: SearchRequest, photographs: Photographs
) -> None:
    a_photo(scene.node, scene.world.requester, request_.case, photographs.stranger)
    scene.with_photo(request_.case, photographs.astronaut, by="requester")
    with scene.node.db.write() as session:
        session.execute(sa.update(TemplateRow).values(contract="another"))
    refused = ask_stored(scene, request_)
    assert isinstance(refused, CouldNotLook)
    assert refused.facts == {"because": "no-template"}


def ask_stored(scene: Scene, request: SearchRequest) -> Refusal:
    """Ask for the first stored face; what that is refused with."""
    with scene.node.db.read() as session:
        face_id = session.scalars(sa.select(Face.id).order_by(Face.id)).first()
    actor, now, probe = scene.world.requester, scene.node.clock(), ProbeFace(str(face_id))
    with pytest.raises(Refusal) as refused:
        search_probe(scene.node, scene.matcher, actor, request.id, probe, reason=REASON, now=now)
    return refused.value
