"""The index is a picture of the rows: it follows them, agrees with a redrawn one, and is redrawn on any doubt."""

from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from api.gallery import history, replica, service
from api.gallery.matcher import Matcher, open_matcher
from api.gallery.models import Face, GalleryChange, TemplateRow
from api.kit.node import Node
from api.kit.problems import SealBroken
from facematch.extractor import Extractor
from index.live import LiveIndex
from index.types import EVERYTHING, Filter, Lot
from tests.api.papers import enrolled
from tests.api.photographs import Photographs
from tests.api.world import World

Picture = dict[int, tuple[int, int, int, bytes]]


def picture_of(index: LiveIndex) -> Picture:
    return {one.template: (one.person, one.kind, one.region, one.vector.tobytes()) for one in index.entries()}


def fill(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> None:
    """A history with additions and removals: three persons, one of them chosen twice in a group."""
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    enrolled(node, matcher, world.registrar, photographs.stranger)
    group = enrolled(node, matcher, world.registrar, photographs.group)
    for ordinal in (1, 2):
        with node.db.write() as session:
            face = service.faces_of_photo(session, group.id)[ordinal]
            service.choose_face(session, world.registrar, group.id, face.id, now=node.clock())


def everybody(node: Node, matcher: Matcher) -> list[TemplateRow]:
    with node.db.read() as session:
        return list(session.scalars(sa.select(TemplateRow).where(TemplateRow.active)))


def test_catching_up_equals_redrawing(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> None:
    fill(node, matcher, world, photographs)
    assert replica.catch_up(node, matcher) == matcher.leading.live.stamp.revision == 5
    redrawn = replica.rebuild(node, matcher.contract, matcher.leading.live.dimension)
    assert redrawn.stamp == matcher.leading.live.stamp
    assert picture_of(LiveIndex(redrawn)) == picture_of(matcher.leading.live)


def test_catching_up_in_small_steps_equals_one_step(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, opencv_zoo: Extractor
) -> None:
    late = open_matcher(node, eye=matcher.eye)
    for picture in (photographs.astronaut, photographs.stranger):
        enrolled(node, matcher, world.registrar, picture)
        replica.catch_up(node, matcher)
    replica.catch_up(node, late)
    assert picture_of(late.leading.live) == picture_of(matcher.leading.live)


def test_two_processes_find_the_same_person(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, opencv_zoo: Extractor
) -> None:
    other = open_matcher(node, eye=matcher.eye)
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    _, (face,) = opencv_zoo.faces_in(photographs.astronaut_later)
    hits = []
    for one in (matcher, other):
        replica.catch_up(node, one)
        hits += one.leading.live.search(face.templates[one.contract][None], 5, Filter(kinds=frozenset({1})))
    assert hits[0] == hits[1]
    assert [hit.person for hit in hits[0]] == [photo.person.key]


def test_excluded_kind_and_person_are_not_found(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, opencv_zoo: Extractor
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    replica.catch_up(node, matcher)
    _, (face,) = opencv_zoo.faces_in(photographs.astronaut)
    excluded = Filter(excluded_persons=frozenset({photo.person.key}))
    for where in (Filter(kinds=frozenset({2})), Filter(regions=frozenset({510100})), excluded):
        assert matcher.leading.live.search(face.templates[matcher.contract][None], 5, where) == [[]]


def test_rolled_back_enrolment_reaches_no_index(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    (row,) = everybody(node, matcher)
    with node.db.read() as session:  # a reading session never commits
        history.deactivate(session, [session.get_one(TemplateRow, row.key)], now=node.clock())
    replica.catch_up(node, matcher)
    assert list(picture_of(matcher.leading.live)) == [row.key]


def test_snapshot_is_loaded_and_brought_up_to_date(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, opencv_zoo: Extractor
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    replica.catch_up(node, matcher)
    replica.save_snapshot(node, matcher.leading.live)
    enrolled(node, matcher, world.registrar, photographs.stranger)
    started = open_matcher(node, eye=matcher.eye)
    replica.catch_up(node, matcher)
    assert picture_of(started.leading.live) == picture_of(matcher.leading.live)
    assert started.leading.live.stamp == matcher.leading.live.stamp


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("position", [20, 4_500, -1])
def test_damaged_snapshot_is_rebuilt_from_the_rows(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, opencv_zoo: Extractor, position: int
) -> None:
    fill(node, matcher, world, photographs)
    replica.catch_up(node, matcher)
    path = replica.save_snapshot(node, matcher.leading.live)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    started = open_matcher(node, eye=matcher.eye)
    assert picture_of(started.leading.live) == picture_of(matcher.leading.live)


def test_snapshot_of_another_history_is_not_believed(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, opencv_zoo: Extractor
) -> None:
    """As after a restore from a backup: same numbers of revisions, other changes."""
    fill(node, matcher, world, photographs)
    replica.catch_up(node, matcher)
    replica.save_snapshot(node, matcher.leading.live)
    with node.db.write() as session:
        session.execute(sa.update(TemplateRow).where(TemplateRow.key == 1).values(active=False))
    started = open_matcher(node, eye=matcher.eye)
    assert set(picture_of(started.leading.live)) == {row.key for row in everybody(node, matcher)}


def test_index_ahead_of_the_rows_is_redrawn(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    truth = replica.rebuild(node, matcher.contract, matcher.leading.live.dimension)
    matcher.leading.live.restore([Lot.of(replace(one, region=990000) for one in truth.entries())], 77)
    replica.catch_up(node, matcher)
    assert picture_of(matcher.leading.live) == picture_of(LiveIndex(truth))
    assert matcher.leading.live.stamp.revision == 1


@pytest.mark.parametrize("lost", [[2], [1, 2], [5]])
def test_gap_in_the_history_leads_to_redrawing(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, lost: list[int]
) -> None:
    fill(node, matcher, world, photographs)
    with node.db.write() as session:
        session.execute(sa.delete(GalleryChange).where(GalleryChange.revision.in_(lost)))
    assert replica.catch_up(node, matcher) == 5
    assert set(picture_of(matcher.leading.live)) == {row.key for row in everybody(node, matcher)}


def test_verify_finds_an_index_true(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> None:
    fill(node, matcher, world, photographs)
    report = replica.verify(node, matcher.leading.live)
    assert report.ok
    assert report.templates == 3


def test_verify_counts_what_differs(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> None:
    fill(node, matcher, world, photographs)
    head = replica.catch_up(node, matcher)
    first, second, _ = sorted(matcher.leading.live.entries(), key=lambda one: one.template)
    turned = replace(second, vector=np.roll(second.vector, 1))
    matcher.leading.live.restore([Lot.of([turned, replace(first, template=9_999)])], head)
    report = replica.verify(node, matcher.leading.live)
    assert (report.missing, report.surplus, report.different, report.ok) == (2, 1, 1, False)


def test_redrawing_counts_as_it_goes(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> None:
    fill(node, matcher, world, photographs)
    seen: list[tuple[int, int]] = []
    replica.rebuild_live(node, matcher.leading.live, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 3)]
    assert matcher.leading.live.stamp.count == 3


def test_altered_row_is_never_put_into_an_index(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    fill(node, matcher, world, photographs)
    first, second = everybody(node, matcher)[:2]
    with node.db.write() as session:
        session.execute(sa.update(TemplateRow).where(TemplateRow.key == first.key).values(sealed=second.sealed))
    with pytest.raises(SealBroken):
        replica.catch_up(node, matcher)
    assert matcher.leading.live.search(
        np.eye(1, matcher.leading.live.dimension, dtype=np.float32)[0][None], 1, EVERYTHING
    ) == [[]]


def test_faces_that_are_not_chosen_are_in_no_index(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    fill(node, matcher, world, photographs)
    replica.catch_up(node, matcher)
    query = sa.select(TemplateRow.key).join(Face, TemplateRow.face_id == Face.id).where(Face.chosen_by.is_not(None))
    with node.db.read() as session:
        assert set(picture_of(matcher.leading.live)) == set(session.scalars(query))
