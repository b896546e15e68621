"""A change of model without downtime: interrupted and resumed, searched all the while, and back again."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from api.audit.models import AuditEntry
from api.gallery import census, reembed, replica
from api.gallery.matcher import Matcher, open_matcher
from api.gallery.models import Face, TemplateRow
from api.jobs.models import Job
from api.kit.node import Node
from facematch.ensemble import Ensemble
from facematch.extractor import Extractor
from tests.api.papers import a_found_person, a_photo, enrolled
from tests.api.photographs import Photographs
from tests.api.searching import Scene, people
from tests.api.world import World


class Interrupted(Exception):
    """Somebody pressed Ctrl-C, or the machine went down between two transactions."""


@pytest.fixture
def scene(node: Node, matcher: Matcher, world: World) -> Scene:
    """A node that knows one contract."""
    return Scene(node, matcher, world)


def move_to(scene: Scene, model: Extractor, done: Callable[[int], None] = lambda _: None) -> reembed.Report:
    return reembed.reembed(scene.node, model, workers=2, done=done)


def under(scene: Scene, *models: Extractor) -> Scene:
    """The same node started anew with other bundles."""
    return Scene(scene.node, open_matcher(scene.node, eye=Ensemble(models)), scene.world)


def templates(scene: Scene, contract: str) -> list[tuple[str, bool]]:
    query = sa.select(TemplateRow.face_id, TemplateRow.active).where(TemplateRow.contract == contract)
    with scene.node.db.read() as session:
        return [(face_id, active) for face_id, active in session.execute(query.order_by(TemplateRow.face_id))]


def test_every_stored_face_gets_a_template_and_is_found_as_before(
    scene: Scene, photographs: Photographs, opencv_zoo: Extractor, buffalo_sc: Extractor
) -> None:
    astronaut = scene.found(photographs.astronaut)
    enrolled(scene.node, scene.matcher, scene.world.registrar, photographs.group)
    report = move_to(scene, buffalo_sc)
    assert (report.matched, report.unseen, report.unreadable) == (7, [], [])
    assert templates(scene, buffalo_sc.contract) == templates(scene, opencv_zoo.contract)
    for models in ([buffalo_sc], [opencv_zoo], [buffalo_sc, opencv_zoo]):
        assert people(under(scene, *models).searched(photographs.astronaut_later)) == [astronaut.id], models


def test_an_interrupted_migration_goes_on_and_searches_are_right_all_the_while(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    astronaut = scene.found(photographs.astronaut)
    for number in range(reembed.BATCH):
        enrolled(scene.node, scene.matcher, scene.world.registrar, photographs.stranger + bytes([number]))

    def interrupt(_photos: int) -> None:
        assert people(scene.searched(photographs.astronaut_later)) == [astronaut.id]
        raise Interrupted

    with pytest.raises(Interrupted):
        move_to(scene, buffalo_sc, interrupt)
    assert len(templates(scene, buffalo_sc.contract)) == reembed.BATCH
    assert move_to(scene, buffalo_sc).matched == 2  # the last person, and the probe that was brought meanwhile
    assert move_to(scene, buffalo_sc).matched == 0
    faces = [face_id for face_id, _ in templates(scene, buffalo_sc.contract)]
    assert len(faces) == len(set(faces)) == reembed.BATCH + 2


def test_a_photo_that_arrives_during_the_migration_gets_both(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    scene.found(photographs.astronaut)
    late: list[str] = []

    def arrive(_photos: int) -> None:
        if not late:
            late.append(enrolled(scene.node, scene.matcher, scene.world.registrar, photographs.stranger).id)

    assert move_to(scene, buffalo_sc, arrive).matched == 2


def test_nobody_is_searched_for_anew(scene: Scene, photographs: Photographs, buffalo_sc: Extractor) -> None:
    scene.found(photographs.astronaut)
    scene.report(photographs.astronaut_later)
    with scene.node.db.read() as session:
        before = session.query(Job).count()
    move_to(scene, buffalo_sc)
    with scene.node.db.read() as session:
        assert session.query(Job).count() == before
        assert census.under(session, buffalo_sc.contract) == 2
        assert census.is_true(session)


def test_a_face_the_model_does_not_see_is_named_and_a_lost_picture_too(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    moved, lost = (
        enrolled(scene.node, scene.matcher, scene.world.registrar, picture)
        for picture in (photographs.astronaut, photographs.stranger)
    )
    with scene.node.db.write() as session:
        session.scalars(sa.select(Face).where(Face.photo_id == moved.id)).one().box = [0, 0, 20, 20]
    next((scene.node.settings.home / "blobs").rglob(f"*{lost.blob[-20:]}*")).unlink()
    report = move_to(scene, buffalo_sc)
    assert report.unseen == [reembed.Unseen(moved.case_id, moved.id, 0)]
    assert (report.unreadable, report.matched) == ([lost.id], 0)


def test_a_face_nobody_chose_and_an_ended_case_stay_unfindable(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    photo = a_photo(
        scene.node, scene.world.registrar, a_found_person(scene.node, scene.world.registrar), photographs.group
    )
    assert photo.state == "received"
    enrolled(scene.node, scene.matcher, scene.world.registrar, photographs.group)
    move_to(scene, buffalo_sc)
    assert [active for _, active in templates(scene, buffalo_sc.contract)] == [False] * 6


def test_beginning_and_end_are_remembered(scene: Scene, photographs: Photographs, buffalo_sc: Extractor) -> None:
    scene.found(photographs.astronaut)
    move_to(scene, buffalo_sc)
    query = sa.select(AuditEntry.act, AuditEntry.facts).where(AuditEntry.record_kind == "contract")
    with scene.node.db.read() as session:
        entries = [tuple(row) for row in session.execute(query.order_by(AuditEntry.seq))]
    ended = {"faces": 1, "unseen": 0, "unreadable": 0}
    assert entries == [("model-migration-begun", {"photos": 1}), ("model-migration-ended", ended)]


def test_a_memory_opened_after_the_migration_is_true_to_the_rows(
    scene: Scene, photographs: Photographs, buffalo_sc: Extractor
) -> None:
    scene.found(photographs.astronaut)
    move_to(scene, buffalo_sc)
    memory = under(scene, buffalo_sc).matcher.leading
    assert replica.verify(scene.node, memory.live) == replica.VerifyReport(1, missing=0, surplus=0, different=0)
