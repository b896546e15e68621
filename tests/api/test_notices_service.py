"""Telling users: who gets a notice, who reads it, and that nobody outside an organisation ever does."""

import ast
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

import api
from api.accounts import service as accounts
from api.accounts.models import User
from api.accounts.policy import Role
from api.kit.i18n import catalogue, translator
from api.kit.node import Node
from api.kit.problems import NotFound
from api.notices import service as notices
from api.notices.kinds import KINDS
from api.notices.models import Notice
from tests.api import pairs
from tests.api.world import World

SOURCES = sorted(Path(api.__file__).parent.rglob("*.py"))


def tell(node: Node, world: World, organisation: str, *roles: Role) -> None:
    """Tell an organisation that a case was closed."""
    with node.db.write() as session:
        notices.tell(
            session,
            "case-closed",
            organisation_id=world.organisations[organisation],
            roles=frozenset(roles),
            link="/cases/1",
            case_id=None,
            now=node.clock(),
        )


def readers(node: Node) -> set[str]:
    """Ids of everybody who has a notice."""
    with node.db.read() as session:
        return set(session.scalars(sa.select(Notice.user_id)))


def test_only_the_roles_of_that_organisation_are_told(node: Node, world: World) -> None:
    tell(node, world, "police", Role.REQUESTER, Role.VERIFIER)
    assert readers(node) == {world.requester.user_id, world.verifier.user_id}


def test_disabled_user_is_not_told(node: Node, world: World) -> None:
    with node.db.write() as session:
        accounts.disable_user(session, "requester", by=None, now=node.clock())
    tell(node, world, "police", Role.REQUESTER)
    assert readers(node) == set()


def test_ended_role_is_not_told(node: Node, world: World) -> None:
    with node.db.write() as session:
        session.get_one(User, world.requester.user_id).grants[0].valid_until = node.clock()
    tell(node, world, "police", Role.REQUESTER)
    assert readers(node) == set()


def test_unknown_kind_is_a_mistake(node: Node, world: World) -> None:
    with node.db.write() as session, pytest.raises(KeyError):
        notices.tell_user(session, "gossip", world.lead.user_id, link="/", case_id=None, now=node.clock())


def test_missing_fact_is_a_mistake(node: Node, world: World) -> None:
    with node.db.write() as session, pytest.raises(KeyError):
        notices.tell_user(session, "follow-up-due", world.lead.user_id, link="/", case_id=None, now=node.clock())


def test_read_notice_waits_no_more(node: Node, world: World) -> None:
    tell(node, world, "shelter", Role.STATION_LEAD)
    with node.db.write() as session:
        (row,) = notices.unread(session, world.lead)
        notices.mark_read(session, world.lead, row.id, now=node.clock())
        assert notices.unread(session, world.lead) == []


def test_somebody_elses_notice_does_not_exist(node: Node, world: World) -> None:
    tell(node, world, "shelter", Role.STATION_LEAD)
    with node.db.write() as session:
        (row,) = notices.unread(session, world.lead)
        with pytest.raises(NotFound):
            notices.mark_read(session, world.registrar, row.id, now=node.clock())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_reads_in_chinese_with_the_same_facts(kind: str) -> None:
    chinese = catalogue("zh_Hans").get(KINDS[kind], "")
    assert chinese
    assert re.findall(r"%\(\w+\)s", chinese) == re.findall(r"%\(\w+\)s", KINDS[kind])


def test_sentence_is_in_the_readers_language() -> None:
    row = Notice(kind="follow-up-due", facts={"due_on": "2026-03-08"})
    assert notices.sentence(row, translator("en")) == "Somebody must look in on the person by 2026-03-08."
    assert "2026-03-08" in notices.sentence(row, translator("zh_Hans"))


def test_every_kind_that_is_told_exists_and_every_kind_is_told() -> None:
    texts = [text for path in SOURCES if path.name != "kinds.py" for text in _strings(path)]
    assert set(KINDS) <= set(texts)


def test_no_kind_is_addressed_to_a_family() -> None:
    """Invariant 4: a notice has one reader, and the only kind of reader its table knows is a user."""
    assert {key.target_fullname for key in Notice.__table__.foreign_keys} == {"users.id"}
    assert not Notice.__table__.c.user_id.nullable
    assert not [kind for kind in KINDS if re.search("family|inquirer|relative|contact", kind)]


def test_on_the_whole_way_home_only_staff_are_told_and_no_name_is_in_it(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.confirm(node, world, pair)
    first, *_ = pairs.hand_over(node, world, pair)
    pairs.follow_up(node, world, first, "well")
    with node.db.read() as session:
        rows = session.scalars(sa.select(Notice)).all()
        staff = set(session.scalars(sa.select(User.id)))
    assert {row.user_id for row in rows} <= staff
    told = " ".join(f"{row.facts} {row.link} {notices.sentence(row, translator('en'))}" for row in rows)
    assert not [private for private in pairs.PRIVATE if private in told]


def test_before_the_reviews_no_notice_speaks_of_an_identity(node: Node, world: World) -> None:
    pair = pairs.make_pair(node, world)
    pairs.review(node, world, pair, expert_a=2)
    with node.db.read() as session:
        kinds = set(session.scalars(sa.select(Notice.kind)))
    assert kinds == {"request-raised", "review-invited"}


def _strings(path: Path) -> list[str]:
    constants = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return [node.value for node in constants if isinstance(node.value, str)]
