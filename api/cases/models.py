"""Tables of cases (a found person, or a missing report), persons and photographs."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.accounts.models import Organisation
from api.kit.db import Base, BigKey


class Case(Base):
    """What a found person's and a missing person's papers share. `revision` grows with every change."""

    __tablename__ = "cases"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    organisation_id: Mapped[str] = mapped_column(sa.ForeignKey("organisations.id"), index=True)
    region: Mapped[str] = mapped_column(sa.String(6))
    state: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    legal_basis: Mapped[str]
    created_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship(lazy="joined")
    persons: Mapped[list["Person"]] = relationship(lazy="selectin", order_by="Person.key", back_populates="case")

    __mapper_args__ = {"polymorphic_on": "kind"}  # noqa: RUF012


class FoundPerson(Case):
    """Somebody in custody of a shelter, hospital or station who is not yet home."""

    __tablename__ = "found_persons"

    id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    found_on: Mapped[str]
    found_place: Mapped[str]
    dialect: Mapped[str]
    communication: Mapped[str]
    clothing: Mapped[str]
    belongings: Mapped[str]
    protect_location: Mapped[bool] = mapped_column(default=True)

    __mapper_args__ = {"polymorphic_identity": "found_person", "polymorphic_load": "selectin"}  # noqa: RUF012


class MissingReport(Case):
    """What an inquirer told the police about one or several missing persons."""

    __tablename__ = "missing_reports"

    id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    inquirer: Mapped[str]
    relation: Mapped[str]
    contact: Mapped[str]
    police_case_number: Mapped[str]
    category: Mapped[str]
    high_risk: Mapped[bool]
    separated_on: Mapped[str]
    separated_place: Mapped[str]
    cause: Mapped[str]
    resolution: Mapped[str | None]

    __mapper_args__ = {"polymorphic_identity": "missing_report", "polymorphic_load": "selectin"}  # noqa: RUF012


class Person(Base):
    """One human being as one case knows them; the index knows them by `key`, the age range holds at `described_on`."""

    __tablename__ = "persons"

    key: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    kind: Mapped[str]
    name: Mapped[str]
    sex: Mapped[int]
    birth_date: Mapped[str]
    age_low: Mapped[int | None]
    age_high: Mapped[int | None]
    described_on: Mapped[str]
    marks: Mapped[str]

    case: Mapped[Case] = relationship(lazy="joined", back_populates="persons")

    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012


class Photo(Base):
    """One stored picture: re-encoded, without metadata, sealed under its hash."""

    __tablename__ = "photos"

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("persons.id"), index=True)
    role: Mapped[str]
    state: Mapped[str]
    blob: Mapped[str]
    upload_sha256: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    taken_on: Mapped[str]
    source: Mapped[str]
    added_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    added_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="joined")

    __table_args__ = (sa.Index(None, "person_id", "upload_sha256", unique=True),)
