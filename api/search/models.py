"""Tables of search runs, the candidates each showed, hypotheses about pairs, and exclusions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.cases.models import Person
from api.kit.db import Base, BigKey


class SearchRun(Base):
    """One search as it was made; written once and never changed. `narrowed` is empty where nothing was narrowed."""

    __tablename__ = "search_runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    request_id: Mapped[str | None] = mapped_column(sa.ForeignKey("search_requests.id"), index=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"))
    face_id: Mapped[str] = mapped_column(sa.ForeignKey("faces.id"))
    organisation_id: Mapped[str] = mapped_column(sa.ForeignKey("organisations.id"))
    requested_by: Mapped[str | None] = mapped_column(sa.ForeignKey("users.id"))
    purpose: Mapped[str]
    reason: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    contract: Mapped[str]
    calibration: Mapped[str]
    gallery_revision: Mapped[int] = mapped_column(BigKey)
    gallery_persons: Mapped[int]
    regions_asked: Mapped[list[Any]]
    regions_answered: Mapped[list[Any]]
    regions_failed: Mapped[list[Any]]
    narrowed: Mapped[dict[str, Any]] = mapped_column(server_default="{}")

    candidates: Mapped[list["Candidate"]] = relationship(lazy="selectin", order_by="Candidate.rank")


class MatchHypothesis(Base):
    """A found and a sought person who may be one. The likelihood is that of the best pair of photos seen so far."""

    __tablename__ = "match_hypotheses"

    id: Mapped[str] = mapped_column(primary_key=True)
    found_person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    sought_person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    found_face_id: Mapped[str] = mapped_column(sa.ForeignKey("faces.id"))
    sought_face_id: Mapped[str] = mapped_column(sa.ForeignKey("faces.id"))
    state: Mapped[str]
    state_before: Mapped[str | None]
    revision: Mapped[int] = mapped_column(default=1)
    nominal_log10_lr: Mapped[float]
    log10_lr: Mapped[float | None]
    log10_lr_low: Mapped[float | None]
    log10_lr_high: Mapped[float | None]
    band: Mapped[str]
    uncalibrated_because: Mapped[str | None]
    age_gap_years: Mapped[float | None]
    expected_strangers: Mapped[float]
    gallery_persons: Mapped[int]
    contract: Mapped[str]
    calibration: Mapped[str]
    proposed_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    found: Mapped[Person] = relationship(foreign_keys=[found_person_id], lazy="joined")
    sought: Mapped[Person] = relationship(foreign_keys=[sought_person_id], lazy="joined")

    __table_args__ = (sa.UniqueConstraint("found_person_id", "sought_person_id"),)


class Candidate(Base):
    """What one run showed at one rank, kept as it was shown."""

    __tablename__ = "candidates"

    run_id: Mapped[str] = mapped_column(sa.ForeignKey("search_runs.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hypothesis_id: Mapped[str] = mapped_column(sa.ForeignKey("match_hypotheses.id"), index=True)
    face_id: Mapped[str] = mapped_column(sa.ForeignKey("faces.id"))
    log10_lr: Mapped[float | None]
    log10_lr_low: Mapped[float | None]
    log10_lr_high: Mapped[float | None]
    band: Mapped[str]
    uncalibrated_because: Mapped[str | None]
    age_gap_years: Mapped[float | None]
    expected_strangers: Mapped[float]

    hypothesis: Mapped[MatchHypothesis] = relationship(lazy="joined")


class Exclusion(Base):
    """A pair somebody ruled out; it is not proposed again before `review_at` unless lifted."""

    __tablename__ = "exclusions"

    id: Mapped[str] = mapped_column(primary_key=True)
    found_person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    sought_person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    hypothesis_id: Mapped[str] = mapped_column(sa.ForeignKey("match_hypotheses.id"))
    reason: Mapped[str]
    excluded_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    excluded_at: Mapped[datetime]
    review_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
