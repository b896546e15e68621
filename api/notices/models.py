"""The table of notices: one row a reader."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import Base


class Notice(Base):
    """A kind and its facts, told to one user in the language they read it in. Never a name or a score."""

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id"), index=True)
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]]
    link: Mapped[str]
    case_id: Mapped[str | None]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
