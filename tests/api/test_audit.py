"""The chain: whatever is changed, removed, reordered or cut off is found, and the database itself refuses."""

from contextlib import suppress
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from api.audit import service as audit
from api.audit.models import AuditEntry, AuditHead
from api.gallery.models import GalleryHead
from api.kit.node import Node


@pytest.fixture
def chained(node: Node, now: datetime) -> Node:
    """Ten entries in five transactions."""
    for number in range(5):
        with node.db.write() as session:
            for step in "ab":
                deed = audit.Deed(
                    "looked", "case", f"{number}{step}", user_id="u", organisation_id="o", at=now, reason="原因"
                )
                audit.record(session, deed, faces=number)
    return node


def _check(node: Node) -> audit.ChainState:
    with node.db.read() as session:
        return audit.check_chain(session)


def _tamper(node: Node, *statements: str) -> None:
    """As somebody would who owns the database: the triggers are taken away first."""
    drop = "DROP TRIGGER audit_no_{}" if node.db.is_sqlite else "DROP TRIGGER audit_no_{} ON audit_entries"
    with node.db.write() as session:
        for statement in (drop.format("update"), drop.format("delete"), *statements):
            session.execute(sa.text(statement))


def test_an_untouched_chain_is_whole(chained: Node) -> None:
    assert _check(chained) == audit.ChainState(10, broken_at=None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET reason = 'another' WHERE seq = 4",
        "UPDATE audit_entries SET user_id = 'v' WHERE seq = 4",
        "DELETE FROM audit_entries WHERE seq = 4",
    ],
)
def test_a_changed_or_removed_entry_is_found(chained: Node, statement: str) -> None:
    _tamper(chained, statement)
    assert _check(chained).broken_at == 4


def test_a_chain_cut_off_at_its_end_is_found(chained: Node) -> None:
    _tamper(chained, "DELETE FROM audit_entries WHERE seq = 10")
    assert _check(chained) == audit.ChainState(9, broken_at=10)


def test_two_swapped_entries_are_found(chained: Node) -> None:
    swap = ("UPDATE audit_entries SET seq = 99 WHERE seq = 3", "UPDATE audit_entries SET seq = 3 WHERE seq = 4")
    _tamper(chained, *swap, "UPDATE audit_entries SET seq = 4 WHERE seq = 99")
    assert _check(chained).broken_at == 3


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET act = 'x'", "DELETE FROM audit_entries"])
def test_the_database_itself_refuses_to_change_an_entry(chained: Node, statement: str) -> None:
    with pytest.raises(DBAPIError, match="never changed"), chained.db.write() as session:
        session.execute(sa.text(statement))


def test_a_rolled_back_act_leaves_no_entry(chained: Node, now: datetime) -> None:
    with pytest.raises(RuntimeError), chained.db.write() as session:
        audit.record(session, audit.Deed("lost", "case", "x", user_id=None, organisation_id=None, at=now))
        raise RuntimeError
    with chained.db.read() as session:
        assert session.get_one(AuditHead, 1).seq == session.scalar(sa.func.max(AuditEntry.seq)) == 10


def test_an_act_outlives_a_savepoint_that_failed_beside_it(node: Node, now: datetime) -> None:
    with node.db.write() as session:
        session.add(GalleryHead(contract="c", revision=0))
    with node.db.write() as session:
        audit.record(session, audit.Deed("looked", "case", "1", user_id="u", organisation_id="o", at=now))
        with suppress(IntegrityError), session.begin_nested():
            session.add(GalleryHead(contract="c", revision=0))  # another process made it first
    assert _check(node) == audit.ChainState(1, broken_at=None)
