"""Audit entries as JSON."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class AuditEntryOut(BaseModel):
    seq: int
    at: datetime
    user_id: str | None
    organisation_id: str | None
    act: str
    record_kind: str
    record_id: str
    case_id: str | None
    reason: str | None
    facts: dict[str, Any]
    hash: str


class AuditPageOut(BaseModel):
    items: list[AuditEntryOut]
    next_after: int | None


class ChainStateOut(BaseModel):
    entries: int
    broken_at: int | None
