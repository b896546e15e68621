"""Tables of verifications, reunifications and follow-ups."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.kit.db import Base


class Verification(Base):
    """One check of identity that is not a face, and its result; after `voided_at` it counts no more."""

    __tablename__ = "verifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str] = mapped_column(sa.ForeignKey("match_hypotheses.id"), index=True)
    kind: Mapped[str]
    result: Mapped[str]
    authority: Mapped[str]
    reference: Mapped[str]
    recorded_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    recorded_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]


class Reunification(Base):
    """The handover. `wish` says how the found person's own will was heard."""

    __tablename__ = "reunifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    hypothesis_id: Mapped[str] = mapped_column(sa.ForeignKey("match_hypotheses.id"), unique=True)
    handed_over_on: Mapped[date]
    region: Mapped[str] = mapped_column(sa.String(6))
    wish: Mapped[str]
    note: Mapped[str]
    recorded_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    recorded_at: Mapped[datetime]

    follow_ups: Mapped[list["FollowUp"]] = relationship(lazy="selectin", order_by="FollowUp.due_on")


class FollowUp(Base):
    """A look-in after the handover: due, and later what was found."""

    __tablename__ = "follow_ups"

    id: Mapped[str] = mapped_column(primary_key=True)
    reunification_id: Mapped[str] = mapped_column(sa.ForeignKey("reunifications.id"), index=True)
    due_on: Mapped[date]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    note: Mapped[str]
    done_by: Mapped[str | None] = mapped_column(sa.ForeignKey("users.id"))
