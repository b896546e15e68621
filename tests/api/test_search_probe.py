"""A probe finds the person, a stranger finds nobody, and what was asked is written down completely."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from api.audit.service import check_chain, entries_of_case
from api.cases.models import Case, Photo
from api.gallery.enrol import enrol_photo
from api.gallery.matcher import Matcher
from api.gallery.models import Face
from api.gallery.replica import head_revision
from api.kit.node import Node
from api.search.models import MatchHypothesis, SearchRun
from api.search.probe import ProbeFace, search_probe
from tests.api.papers import a_found_person, a_photo
from tests.api.photographs import Photographs
from tests.api.searching import REASON, Scene, an_open_request, people
from tests.api.world import World


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    return Scene(node, matcher, world)


def test_degraded_later_shot_finds_the_astronaut_first(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.stranger)
    astronaut = scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    assert people(run)[0] == astronaut.id


def test_probe_of_a_stranger_proposes_nobody(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    run = scene.searched(photographs.stranger)
    assert run.candidates == []
    assert run.gallery_persons == 1


def test_search_changes_no_state_of_the_pair_or_of_the_cases(scene: Scene, photographs: Photographs) -> None:
    astronaut = scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    with scene.node.db.read() as session:
        states = [session.get_one(Case, case_id).state for case_id in (astronaut.id, run.case_id)]
        pair = session.scalars(sa.select(MatchHypothesis)).one()
    assert states == ["registered", "active"]
    assert pair.state == "proposed"


def test_first_search_about_a_found_person_begins_the_searching(scene: Scene, photographs: Photographs) -> None:
    case = scene.found(photographs.astronaut)
    request = an_open_request(scene.node, scene.world.registrar, case)
    scene.search(request, photographs.astronaut_later, by="registrar")
    with scene.node.db.read() as session:
        assert session.get_one(Case, case.id).state == "searching"


def test_run_records_where_it_looked_with_what_and_why(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    with scene.node.db.read() as session:
        row = session.get_one(SearchRun, run.id)
        assert row.gallery_revision == head_revision(session, scene.matcher.contract) == 1
    assert (row.contract, row.calibration) == (scene.matcher.contract, scene.matcher.calibration)
    assert (row.regions_asked, row.regions_answered, row.regions_failed) == (["000000"], ["000000"], [])
    assert (row.purpose, row.reason) == ("find_missing_person", REASON)
    assert row.requested_by == scene.world.requester.user_id


def test_search_stands_in_the_audit_of_both_cases(scene: Scene, photographs: Photographs) -> None:
    astronaut = scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    with scene.node.db.read() as session:
        made = next(entry for entry in entries_of_case(session, run.case_id) if entry.act == "search-made")
        proposed = [entry.act for entry in entries_of_case(session, astronaut.id)]
        assert check_chain(session).broken_at is None
    assert (made.user_id, made.reason) == (scene.world.requester.user_id, REASON)
    assert "candidate-proposed" in proposed


def test_face_just_enrolled_is_found_though_the_index_lags(scene: Scene, photographs: Photographs) -> None:
    astronaut = a_found_person(scene.node, scene.world.registrar)
    photo = a_photo(scene.node, scene.world.registrar, astronaut, photographs.astronaut)
    enrol_photo(scene.node, scene.matcher, photo.id, now=scene.node.clock())
    assert scene.matcher.leading.live.stamp.revision == 0
    assert people(scene.searched(photographs.astronaut_later)) == [astronaut.id]


def test_same_pair_is_one_hypothesis_that_keeps_its_best_photos(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    with scene.node.db.read() as session:
        first = session.scalars(sa.select(MatchHypothesis)).one()
    again = scene.search(scene.request_of(run), photographs.astronaut)
    with scene.node.db.read() as session:
        pair = session.scalars(sa.select(MatchHypothesis)).one()
        assert session.scalars(sa.select(SearchRun.kind).order_by(SearchRun.kind)).all() == [
            "probe",
            "probe",
            "standing",
        ]
    assert pair.nominal_log10_lr >= first.nominal_log10_lr
    assert pair.sought_face_id == again.face_id


def test_searches_at_the_same_moment_make_one_pair(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    request = an_open_request(scene.node, scene.world.requester, scene.report())
    pictures = [photographs.astronaut, photographs.astronaut_later, photographs.astronaut + b"\0"]
    with ThreadPoolExecutor(len(pictures)) as threads:
        runs = list(threads.map(lambda picture: scene.search(request, picture), pictures))
    assert len({candidate.hypothesis_id for run in runs for candidate in run.candidates}) == 1
    assert [len(run.candidates) for run in runs] == [1, 1, 1]


def test_picture_brought_twice_is_kept_once(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    run = scene.searched(photographs.astronaut_later)
    again = scene.search(scene.request_of(run), photographs.astronaut_later)
    with scene.node.db.read() as session:
        assert len(session.scalars(sa.select(Photo)).all()) == 2
    assert again.face_id == run.face_id


def test_picture_that_waits_for_enrolment_is_enrolled_by_the_search(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    case = scene.report()
    a_photo(scene.node, scene.world.requester, case, photographs.astronaut_later, role="reference", taken_on="2026-01")
    run = scene.search(an_open_request(scene.node, scene.world.requester, case), photographs.astronaut_later)
    with scene.node.db.read() as session:
        photo = session.get_one(Face, run.face_id).photo
    assert (photo.role, photo.state) == ("reference", "enrolled")
    assert len(run.candidates) == 1


def test_stored_face_can_be_asked_for(scene: Scene, photographs: Photographs) -> None:
    astronaut = scene.found(photographs.astronaut)
    case = scene.report(photographs.astronaut_later)
    request = an_open_request(scene.node, scene.world.requester, case)
    with scene.node.db.read() as session:
        face = session.scalars(sa.select(Face).join(Photo).where(Photo.case_id == case.id)).one()
    run = search_probe(
        scene.node,
        scene.matcher,
        scene.world.requester,
        request.id,
        ProbeFace(face.id),
        reason=REASON,
        now=scene.node.clock(),
    )
    assert people(run) == [astronaut.id]


def test_search_asks_only_the_regions_of_its_request(scene: Scene, photographs: Photographs) -> None:
    scene.found(photographs.astronaut)
    elsewhere = an_open_request(scene.node, scene.world.requester, scene.report(), regions=["44"])
    there = an_open_request(scene.node, scene.world.requester, scene.report(), regions=["3301", "44"])
    assert scene.search(elsewhere, photographs.astronaut_later).gallery_persons == 0
    run = scene.search(there, photographs.astronaut_later)
    assert (len(run.candidates), run.regions_answered) == (1, ["3301", "44"])


def test_only_the_other_kind_of_person_is_proposed(scene: Scene, photographs: Photographs) -> None:
    scene.report(photographs.astronaut, by="requester2")
    run = scene.searched(photographs.astronaut_later)
    assert (run.candidates, run.gallery_persons) == ([], 0)


def test_search_shows_no_more_persons_than_the_setting_allows(scene: Scene, photographs: Photographs) -> None:
    for _ in range(2):
        case = a_found_person(scene.node, scene.world.registrar)
        scene.with_photo(case, photographs.astronaut, by="registrar")
    limited = scene.node.settings.model_copy(update={"candidates_per_search": 1})
    node = Node(limited, scene.node.db, scene.node.vault, scene.node.blobs, scene.node.clock)
    run = Scene(node, scene.matcher, scene.world).searched(photographs.astronaut_later)
    assert (len(run.candidates), run.gallery_persons) == (1, 2)
