"""The search that never stops: whoever becomes findable meets everybody who waits, and both sides hear of it."""

import pytest
import sqlalchemy as sa

from api.gallery.matcher import Matcher
from api.gallery.models import Face
from api.kit.node import Node
from api.notices.models import Notice
from api.search.models import MatchHypothesis, SearchRun
from api.search.standing import search_standing
from tests.api.papers import in_state
from tests.api.photographs import Photographs
from tests.api.searching import Scene, an_open_request
from tests.api.world import World


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


def told(scene: Scene, kind: str) -> list[str]:
    with scene.node.db.read() as session:
        return sorted(session.scalars(sa.select(Notice.user_id).where(Notice.kind == kind)))


def pairs(scene: Scene) -> list[MatchHypothesis]:
    with scene.node.db.read() as session:
        return list(session.scalars(sa.select(MatchHypothesis)))


def both_sides(scene: Scene) -> list[str]:
    return sorted(scene.world.actors[who].user_id for who in ("registrar", "lead", "requester"))


def test_found_person_registered_later_meets_the_report_that_waits(scene: Scene, photographs: Photographs) -> None:
    report = scene.report(photographs.astronaut_later)
    found = scene.found(photographs.astronaut)
    pair = pairs(scene)[0]
    assert (pair.found.case_id, pair.sought.case_id) == (found.id, report.id)
    assert told(scene, "standing-hit") == both_sides(scene)


def test_report_filed_later_meets_the_found_person_who_waits(scene: Scene, photographs: Photographs) -> None:
    found = scene.found(photographs.astronaut)
    report = scene.report(photographs.astronaut_later)
    pair = pairs(scene)[0]
    assert (pair.found.case_id, pair.sought.case_id) == (found.id, report.id)
    assert told(scene, "standing-hit") == both_sides(scene)


def test_standing_run_names_no_request_and_no_user(scene: Scene, photographs: Photographs) -> None:
    scene.report(photographs.astronaut_later)
    case = scene.found(photographs.astronaut)
    with scene.node.db.read() as session:
        run = session.scalars(sa.select(SearchRun).where(SearchRun.case_id == case.id)).one()
    assert (run.kind, run.request_id, run.requested_by) == ("standing", None, None)
    assert (run.purpose, run.reason) == ("identify_found_person", "standing search")


def test_standing_search_moves_no_state(scene: Scene, photographs: Photographs) -> None:
    scene.report(photographs.astronaut_later)
    scene.found(photographs.astronaut)
    pair = pairs(scene)[0]
    assert (pair.state, pair.found.case.state, pair.sought.case.state) == ("proposed", "registered", "active")


def test_strangers_do_not_meet(scene: Scene, photographs: Photographs) -> None:
    scene.report(photographs.stranger)
    scene.found(photographs.astronaut)
    assert (pairs(scene), told(scene, "standing-hit")) == ([], [])


def test_standing_search_repeated_tells_nobody_twice(scene: Scene, photographs: Photographs) -> None:
    scene.report(photographs.astronaut_later)
    case = scene.found(photographs.astronaut)
    with scene.node.db.read() as session:
        face = session.scalars(sa.select(Face).where(Face.photo.has(case_id=case.id))).one()
    search_standing(scene.node, scene.matcher, {face.id: case.persons[0].id}, now=scene.node.clock())
    assert (len(pairs(scene)), told(scene, "standing-hit")) == (1, both_sides(scene))


def test_face_of_a_case_that_has_ended_is_not_asked(scene: Scene, photographs: Photographs) -> None:
    case = scene.found(photographs.astronaut)
    in_state(scene.node, case, "withdrawn")
    with scene.node.db.read() as session:
        face = session.scalars(sa.select(Face)).one()
        before = len(session.scalars(sa.select(SearchRun)).all())
    search_standing(scene.node, scene.matcher, {face.id: case.persons[0].id}, now=scene.node.clock())
    with scene.node.db.read() as session:
        assert len(session.scalars(sa.select(SearchRun)).all()) == before


def test_search_somebody_made_tells_the_other_side_only(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    scene.searched(photographs.astronaut_later)
    assert told(scene, "candidate-proposed") == sorted(scene.world.actors[who].user_id for who in ("registrar", "lead"))


def test_pair_found_again_is_not_told_again(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    before = told(scene, "candidate-proposed")
    scene.search(scene.request_of(run), photographs.astronaut_later)
    assert told(scene, "candidate-proposed") == before


def test_photo_that_is_only_a_probe_waits_for_nobody(scene: Scene, photographs: Photographs) -> None:
    """What somebody brings to ask with is not enrolled: the report keeps no face that could be proposed."""
    case = scene.report()
    scene.search(an_open_request(scene.node, scene.world.requester, case), photographs.astronaut_later)
    scene.found(photographs.astronaut)
    assert pairs(scene) == []
