"""How many people searches can find is kept, not counted; it stays true through every change."""

import sqlalchemy as sa

from api import migrations
from api.cases import service as cases
from api.gallery import census, enrol, history, service
from api.gallery.matcher import Matcher
from api.gallery.models import GalleryCount, TemplateRow
from api.kit.node import Node
from tests.api.papers import a_found_person, a_photo, enrolled
from tests.api.photographs import Photographs
from tests.api.world import World

OTHER = "0123456789abcdef"


def size(node: Node, matcher: Matcher, *prefixes: str) -> int:
    """Found persons who can be found, after a look whether the counts are true."""
    with node.db.read() as session:
        assert census.is_true(session)
        return census.gallery_size(session, matcher.contracts, 1, prefixes)


def test_whoever_is_chosen_counts_and_whose_case_ends_does_not(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    sizes = [size(node, matcher)]
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    for ordinal in (1, 2):
        with node.db.write() as session:
            face = service.faces_of_photo(session, photo.id)[ordinal]
            service.choose_face(session, world.registrar, photo.id, face.id, now=node.clock())
        sizes.append(size(node, matcher))
    with node.db.write() as session:
        cases.cause(session, world.registrar, photo.case_id, "withdraw", revision=None, note=None, now=node.clock())
    with node.db.write() as session:
        service.reconcile_case(session, photo.case_id, now=node.clock())
    assert [*sizes, size(node, matcher)] == [0, 1, 1, 0]


def test_a_person_is_counted_until_the_last_face_goes(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    case, sizes = a_found_person(node, world.registrar), []
    for picture in (photographs.astronaut, photographs.astronaut_later):
        photo = a_photo(node, world.registrar, case, picture)
        enrol.enrol_photo(node, matcher, photo.id, now=node.clock())
    with node.db.read() as session:
        rows = session.scalars(sa.select(TemplateRow)).all()
    for row in rows:
        sizes.append(size(node, matcher))
        with node.db.write() as session:
            history.deactivate(session, [session.get_one(TemplateRow, row.key)], now=node.clock())
    assert [*sizes, size(node, matcher)] == [1, 1, 0]


def test_counts_are_kept_by_region(node: Node, matcher: Matcher, world: World, photographs: Photographs) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    assert [size(node, matcher, *asked) for asked in ((), ("33",), ("51",), ("51", "3301"))] == [1, 1, 0, 1]


def test_upgrading_counts_who_is_there_already(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    migrations.downgrade(node.db, "0003")
    migrations.upgrade(node.db)
    assert size(node, matcher) == 1


def test_altered_counts_are_noticed_and_counted_again(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.write() as session:
        session.execute(sa.update(GalleryCount).values(persons=7))
    with node.db.write() as session:
        assert not census.is_true(session)
        history.recount(session)
    assert size(node, matcher) == 1


def test_a_contract_that_only_contains_the_letters_of_another_is_another(node: Node) -> None:
    with node.db.write() as session:
        session.add(GalleryCount(kind=1, region=330100, contracts=f"{OTHER}+ff", persons=3))
    with node.db.read() as session:
        assert [census.gallery_size(session, [asked], 1, ()) for asked in (OTHER, "ff", OTHER[:8])] == [3, 3, 0]
        assert [census.without(session, asked) for asked in (OTHER, OTHER[:8])] == [0, 3]
