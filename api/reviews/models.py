"""The table of reviews: invited, then submitted once. Holds no score and no name."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import Base


class Review(Base):
    """One reviewer on one hypothesis (ACE-V): suitability, features, conclusion -3..+3, limits, seconds spent.

    `concluded_at` ends a round: a pair that is reopened later is reviewed anew, by others.
    """

    __tablename__ = "reviews"

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str] = mapped_column(sa.ForeignKey("match_hypotheses.id"), index=True)
    kind: Mapped[str]
    reviewer_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(sa.ForeignKey("organisations.id"))
    invited_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    invited_at: Mapped[datetime]
    due_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    suitability_found: Mapped[str | None]
    suitability_sought: Mapped[str | None]
    features: Mapped[dict[str, Any]]
    conclusion: Mapped[int | None]
    limits: Mapped[str]
    seconds_spent: Mapped[int | None]
    concluded_at: Mapped[datetime | None]

    __table_args__ = (sa.UniqueConstraint("hypothesis_id", "reviewer_id"),)
