"""From a received photo to a findable face: one, none, several faces; and what the database keeps of them."""

import numpy as np
import pytest
import sqlalchemy as sa

from api.cases.models import Photo
from api.gallery import census, enrol, replica, service
from api.gallery.matcher import Matcher
from api.gallery.models import Face, GalleryChange, TemplateRow
from api.gallery.sealing import open_template
from api.jobs.models import Job
from api.kit.node import Node
from api.kit.problems import SealBroken
from api.notices.models import Notice
from tests.api.papers import a_found_person, a_photo, a_report, enrolled
from tests.api.photographs import Photographs
from tests.api.world import World


def state_of(node: Node, photo: Photo) -> str:
    with node.db.read() as session:
        return session.get_one(Photo, photo.id).state


def found_by(node: Node, matcher: Matcher) -> int:
    replica.catch_up(node, matcher)
    return matcher.leading.live.stamp.count


def jobs_named(node: Node, name: str) -> list[dict[str, object]]:
    with node.db.read() as session:
        return [job.payload for job in session.scalars(sa.select(Job).where(Job.name == name))]


def notices_of(node: Node) -> list[tuple[str, str]]:
    with node.db.read() as session:
        return [(notice.kind, notice.user_id) for notice in session.scalars(sa.select(Notice))]


def test_only_face_is_chosen_found_and_searched_for(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        (face,) = service.faces_of_photo(session, photo.id)
    assert (state_of(node, photo), face.chosen_by, found_by(node, matcher)) == ("enrolled", "only-face", 1)
    assert jobs_named(node, "search.standing") == [{"person_id": photo.person_id, "face_id": face.id}]


def test_photo_without_a_face_is_told_to_who_added_it(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.nobody)
    assert (state_of(node, photo), found_by(node, matcher)) == ("no_face", 0)
    assert notices_of(node) == [("no-face", world.registrar.user_id)]


def test_group_photo_waits_for_a_choice_and_finds_nobody(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.group)
    with node.db.read() as session:
        faces = service.faces_of_photo(session, photo.id)
    assert (state_of(node, photo), len(faces), found_by(node, matcher)) == ("needs_choice", 6, 0)
    assert [face.chosen_by for face in faces] == [None] * 6
    assert notices_of(node) == [("face-choice-needed", world.registrar.user_id)]


def test_photo_is_enrolled_once_though_the_job_runs_twice(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    enrol.enrol_photo(node, matcher, photo.id, now=node.clock())
    with node.db.read() as session:
        counts = [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Face, GalleryChange)]
    assert counts == [1, 1]


def test_job_of_a_photo_that_is_gone_does_nothing(node: Node, matcher: Matcher) -> None:
    enrol.enrol_photo(node, matcher, "01ARZ3NDEKTSV4RRFFQ69G5FAV", now=node.clock())
    assert jobs_named(node, "search.standing") == []


@pytest.mark.parametrize(
    ("role", "found"),
    [("capture", 1), ("reference", 1), ("id_photo", 1), ("probe", 0), ("relative", 0), ("synthetic", 0)],
)
def test_only_true_pictures_of_the_person_are_found_by_searches(
    node: Node, matcher: Matcher, world: World, photographs: Photographs, role: str, found: int
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut, role=role)
    assert (state_of(node, photo), found_by(node, matcher)) == ("enrolled", found)


def test_template_says_whose_it_is_and_where(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    report = a_report(node, world.requester)
    photo = a_photo(node, world.requester, report, photographs.astronaut, role="reference")
    enrol.enrol_photo(node, matcher, photo.id, now=node.clock())
    with node.db.read() as session:
        row = session.scalars(sa.select(TemplateRow)).one()
    assert (row.person_key, row.kind, row.region, row.contract) == (
        report.persons[0].key,
        2,
        510100,
        matcher.contract,
    )


def test_database_holds_no_template_in_clear(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    photo = enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        (face,) = service.faces_of_photo(session, photo.id)
        row = session.scalars(sa.select(TemplateRow)).one()
        template = service.templates_of(session, node.vault, face.id, matcher.contracts)[matcher.contract]
    assert template is not None
    assert np.linalg.norm(template) == pytest.approx(1, abs=1e-5)
    assert template.tobytes()[:16] not in row.sealed
    if node.db.is_sqlite:
        home = node.settings.home
        stored = [path.read_bytes() for path in [*home.rglob("*"), *home.parent.glob("*.sqlite*")] if path.is_file()]
        assert not [data for data in stored if template.tobytes()[:16] in data]


def test_template_moved_to_another_face_does_not_open(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        row = session.scalars(sa.select(TemplateRow)).one()
    with pytest.raises(SealBroken):
        open_template(node.vault, row.sealed, face_id="another", contract=row.contract)


def test_gallery_counts_persons_not_pictures(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    case = a_found_person(node, world.registrar)
    for picture in (photographs.astronaut, photographs.astronaut_later):
        photo = a_photo(node, world.registrar, case, picture)
        enrol.enrol_photo(node, matcher, photo.id, now=node.clock())
    with node.db.read() as session:
        sizes = {
            regions: census.gallery_size(session, matcher.contracts, 1, regions)
            for regions in ((), ("33",), ("330100",), ("3302",), ("51", "3301"))
        }
        sought = census.gallery_size(session, matcher.contracts, 2, ())
    assert sizes == {(): 1, ("33",): 1, ("330100",): 1, ("3302",): 0, ("51", "3301"): 1}
    assert (found_by(node, matcher), sought) == (2, 0)


def test_regions_of_the_gallery_follow_the_prefixes(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.read() as session:
        answers = [census.regions_within(session, asked) for asked in ((), ("33",), ("51",))]
    assert answers == [{330100}, {330100}, set()]
