"""The table of search requests."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.cases.models import Case
from api.kit.db import Base


class SearchRequest(Base):
    """One request about one case; `regions` are GB/T 2260 prefixes, empty for everywhere."""

    __tablename__ = "search_requests"

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(sa.ForeignKey("organisations.id"), index=True)
    raised_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    purpose: Mapped[str]
    reason: Mapped[str]
    urgency: Mapped[str]
    regions: Mapped[list[Any]]
    state: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    case: Mapped[Case] = relationship(lazy="joined")
