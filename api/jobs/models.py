"""The table of waiting, running and finished work."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import Base

UNFINISHED = sa.text("finished_at IS NULL")


class Job(Base):
    """One piece of work by name; `claimed_until` lets another worker take over from one that died."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    case_id: Mapped[str | None]
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    error_code: Mapped[str | None]

    __table_args__ = (
        sa.Index("ix_jobs_waiting", "finished_at", "failed_at", "due_at"),
        sa.Index("ix_jobs_unfinished", "name", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED),
    )
