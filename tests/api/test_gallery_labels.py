"""Labels: what a person's papers say about sex, birth and days is beside every template, and follows corrections."""

from datetime import date

import pytest
import sqlalchemy as sa

from api import migrations, worker
from api.accounts.policy import Actor
from api.cases import service as cases
from api.cases.models import Case, FoundPerson, MissingReport, Person
from api.cases.schemas import CaseChanges
from api.gallery import replica
from api.gallery.labels import UNKNOWN, Labels, labels_of
from api.gallery.matcher import Matcher
from api.gallery.models import GalleryHead, TemplateRow
from api.kit.node import Node
from index.types import ANY_DAY, ANY_YEAR
from tests.api.papers import enrolled
from tests.api.photographs import Photographs
from tests.api.world import World

IN_PAPERS = Labels(1, 1970, 1986, *[date(2026, 2, 27).toordinal()] * 2)  # 40 to 55 years old on 1 March 2026


def somebody(case: Case | None = None, **known: object) -> Person:
    blank: dict[str, object] = {"sex": 0, "birth_date": "", "age_low": None, "age_high": None, "described_on": ""}
    return Person(case=case or FoundPerson(found_on=""), **(blank | known))


def labels(node: Node) -> list[Labels]:
    with node.db.read() as session:
        return [
            Labels(*(getattr(row, name) for name in Labels._fields)) for row in session.scalars(sa.select(TemplateRow))
        ]


def held(matcher: Matcher) -> list[tuple[int, tuple[int, int], tuple[int, int]]]:
    with matcher.leading.live.writing() as index:
        return [(entry.sex, entry.born, entry.seen) for entry in index.entries()]


def correct(node: Node, actor: Actor, case_id: str, *, person: dict[str, object], **changes: object) -> None:
    with node.db.write() as session:
        case = session.get_one(Case, case_id)
        said = {"revision": case.revision, "persons": [{"id": case.persons[0].id, **person}], **changes}
        cases.edit_case(session, actor, case_id, CaseChanges.model_validate(said), now=node.clock())


@pytest.mark.parametrize(
    ("known", "years"),
    [
        ({"birth_date": "1975"}, (1975, 1975)),
        ({"birth_date": "1975-03-08", "age_low": 1, "age_high": 2, "described_on": "2020"}, (1975, 1975)),
        ({"age_low": 40, "age_high": 50, "described_on": "2020-06-01"}, (1969, 1980)),
        ({"age_low": 0, "age_high": 0, "described_on": "2020"}, (2019, 2020)),
        ({"age_low": 40, "age_high": 50}, ANY_YEAR),
        ({"age_low": 40, "described_on": "2020"}, ANY_YEAR),
        ({}, ANY_YEAR),
    ],
)
def test_years_of_birth_are_all_that_the_papers_allow(known: dict[str, object], years: tuple[int, int]) -> None:
    assert labels_of(somebody(**known))[1:3] == years


@pytest.mark.parametrize(
    ("case", "days"),
    [
        (FoundPerson(found_on="2026-02-27"), (date(2026, 2, 27), date(2026, 2, 27))),
        (MissingReport(separated_on="2025-11"), (date(2025, 11, 1), date(2025, 11, 30))),
        (MissingReport(separated_on="2025"), (date(2025, 1, 1), date(2025, 12, 31))),
    ],
)
def test_day_seen_is_that_of_finding_or_of_separation(case: Case, days: tuple[date, date]) -> None:
    assert labels_of(somebody(case))[3:] == tuple(day.toordinal() for day in days)


def test_nothing_known_is_the_widest_span() -> None:
    assert labels_of(somebody(MissingReport(separated_on=""))) == UNKNOWN == (0, *ANY_YEAR, *ANY_DAY)


@pytest.mark.parametrize(("sex", "label"), [(0, 0), (1, 1), (2, 2), (9, 0)])
def test_sex_not_stated_is_a_sex_not_known(sex: int, label: int) -> None:
    assert labels_of(somebody(sex=sex)).sex == label


def test_enrolled_face_carries_the_labels_into_the_index(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    replica.catch_up(node, matcher)
    assert labels(node) == [IN_PAPERS]
    assert held(matcher) == [(IN_PAPERS[0], IN_PAPERS[1:3], IN_PAPERS[3:])]


def test_correction_reaches_every_index_by_one_numbered_change(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    case_id = enrolled(node, matcher, world.registrar, photographs.astronaut).case_id
    correct(node, world.registrar, case_id, person={"sex": 2, "birth_date": "1975"}, found_on="2026-01")
    worker.run_waiting(node, matcher)
    assert replica.catch_up(node, matcher) == 2
    january = (date(2026, 1, 1).toordinal(), date(2026, 1, 31).toordinal())
    assert held(matcher) == [(2, (1975, 1975), january)]
    assert replica.verify(node, matcher.leading.live).ok


def test_correction_of_other_words_numbers_no_change(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    case_id = enrolled(node, matcher, world.registrar, photographs.astronaut).case_id
    correct(node, world.registrar, case_id, person={"marks": "a scar"}, clothing="blue")
    worker.run_waiting(node, matcher)
    assert replica.catch_up(node, matcher) == 1


def test_correction_of_somebody_who_may_not_be_found_stays_unfindable(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    case_id = enrolled(node, matcher, world.registrar, photographs.astronaut).case_id
    correct(node, world.registrar, case_id, person={"sex": 2})
    with node.db.write() as session:
        cases.cause(session, world.registrar, case_id, "withdraw", revision=None, note=None, now=node.clock())
    worker.run_waiting(node, matcher)
    replica.catch_up(node, matcher)
    assert (labels(node)[0].sex, held(matcher)) == (2, [])


def test_index_with_other_labels_than_the_rows_is_noticed(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.write() as session:
        replica.catch_up(node, matcher)
        session.execute(sa.update(TemplateRow).values(born_to=1990))
    assert replica.verify(node, matcher.leading.live).different == 1


def test_upgrading_labels_who_is_there_and_redraws_every_index(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    with node.db.write() as session:
        session.execute(sa.update(TemplateRow).values(UNKNOWN._asdict()))
    replica.catch_up(node, matcher)
    unlabelled = held(matcher)
    migrations.downgrade(node.db, "0004")
    migrations.upgrade(node.db)
    replica.catch_up(node, matcher)
    assert (unlabelled[0][0], labels(node)) == (0, [IN_PAPERS])
    assert held(matcher) == [(IN_PAPERS[0], IN_PAPERS[1:3], IN_PAPERS[3:])]


def test_index_goes_on_by_changes_after_it_was_redrawn(
    node: Node, matcher: Matcher, world: World, photographs: Photographs
) -> None:
    enrolled(node, matcher, world.registrar, photographs.astronaut)
    migrations.downgrade(node.db, "0004")
    migrations.upgrade(node.db)
    enrolled(node, matcher, world.registrar, photographs.stranger)
    assert replica.catch_up(node, matcher) == 3
    with node.db.read() as session:
        assert session.scalars(sa.select(GalleryHead.revision)).all() == [3]
    assert len(held(matcher)) == 2
