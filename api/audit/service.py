"""Appending to the chain and checking it. Nothing here changes or deletes an entry.

Entries of a transaction are chained just before it commits: on PostgreSQL the lock on the head is then
held for an instant only, and always taken last, so two transactions cannot wait for each other.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit.models import AuditEntry, AuditHead
from api.kit.clock import iso
from api.kit.problems import Fact

GENESIS = "0" * 64
PENDING = "audit-pending"


@dataclass(frozen=True)
class Deed:
    """What is to be remembered of one act."""

    act: str
    record_kind: str
    record_id: str
    user_id: str | None
    organisation_id: str | None
    at: datetime
    case_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ChainState:
    """Result of a check: entries read, and the first one that does not fit, if any."""

    entries: int
    broken_at: int | None


def record(session: Session, deed: Deed, **facts: Fact) -> None:
    """Remember an act in the transaction that does it."""
    session.info.setdefault(PENDING, []).append((deed, facts))


def entries_of_case(session: Session, case_id: str) -> list[AuditEntry]:
    """What happened to a case, oldest first."""
    query = sa.select(AuditEntry).where(AuditEntry.case_id == case_id).order_by(AuditEntry.seq)
    return list(session.scalars(query))


def entries_after(session: Session, seq: int, *, limit: int) -> list[AuditEntry]:
    """Entries that follow number `seq`, oldest first."""
    query = sa.select(AuditEntry).where(AuditEntry.seq > seq).order_by(AuditEntry.seq).limit(limit)
    return list(session.scalars(query))


def check_chain(session: Session) -> ChainState:
    """Walk the whole chain: sequence without a gap, hashes that follow, head that matches."""
    seq, previous = 0, GENESIS
    query = sa.select(*AuditEntry.__table__.columns).order_by(AuditEntry.seq).execution_options(yield_per=1000)
    with closing(session.execute(query).mappings()) as rows:
        for row in rows:
            if row["seq"] != seq + 1 or row["previous_hash"] != previous or row["hash"] != _hash(row):
                return ChainState(seq, broken_at=seq + 1)
            seq, previous = row["seq"], row["hash"]
    head = session.get(AuditHead, 1)
    at_head = (head.seq, head.hash) if head else (0, GENESIS)
    return ChainState(seq, broken_at=None if at_head == (seq, previous) else seq + 1)


@sa.event.listens_for(Session, "before_commit")
def _chain(session: Session) -> None:
    if session.in_nested_transaction():
        return  # the end of a savepoint is no commit: what is written inside is lost when it is rolled back
    pending = session.info.pop(PENDING, [])
    if not pending:
        return
    head = session.get_one(AuditHead, 1, with_for_update=True, populate_existing=True)
    rows: list[dict[str, Any]] = []
    for deed, facts in pending:
        row = {**vars(deed), "seq": head.seq + 1, "facts": facts, "previous_hash": head.hash}
        rows.append({**row, "hash": _hash(row)})
        head.seq, head.hash = rows[-1]["seq"], rows[-1]["hash"]
    session.execute(sa.insert(AuditEntry), rows)
    session.flush()


def _hash(row: Mapping[Any, Any]) -> str:
    content = {
        "seq": row["seq"],
        "at": iso(row["at"]),
        "user": row["user_id"],
        "organisation": row["organisation_id"],
        "act": row["act"],
        "record": [row["record_kind"], row["record_id"]],
        "case": row["case_id"],
        "reason": row["reason"],
        "facts": row["facts"],
        "previous": row["previous_hash"],
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
