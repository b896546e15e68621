"""Notices as JSON, already in the reader's language."""

from datetime import datetime

from pydantic import BaseModel


class NoticeOut(BaseModel):
    id: str
    kind: str
    sentence: str
    link: str
    case_id: str | None
    created_at: datetime
    read_at: datetime | None
