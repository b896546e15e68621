"""Audit entries and the head of their chain. Rows are written once and never changed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import Base, BigKey


class AuditEntry(Base):
    """One act: who, what, on which record, why, when. Never a name, a picture or a vector."""

    __tablename__ = "audit_entries"

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    user_id: Mapped[str | None]
    organisation_id: Mapped[str | None] = mapped_column(index=True)
    act: Mapped[str]
    record_kind: Mapped[str]
    record_id: Mapped[str]
    case_id: Mapped[str | None] = mapped_column(index=True)
    reason: Mapped[str | None]
    facts: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]

    __table_args__ = (sa.Index(None, "record_id"),)


class AuditHead(Base):
    """The last entry; locked by whoever appends, so the chain has one order."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigKey)
    hash: Mapped[str]
