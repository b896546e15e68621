"""Tables of faces, sealed templates, and the numbered changes every index replays."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.cases.models import Photo
from api.gallery.labels import UNKNOWN, Labels
from api.kit.db import Base, BigKey

KINDS = {"found": 1, "sought": 2}  # the numbers the index knows persons' kinds by
NARROWED_BY = ("kind", "active", "contract", *Labels._fields, "region", "person_key")


class Face(Base):
    """One face in a photo: box [x, y, width, height] and five landmarks in pixels of the stored picture."""

    __tablename__ = "faces"

    id: Mapped[str] = mapped_column(primary_key=True)
    photo_id: Mapped[str] = mapped_column(sa.ForeignKey("photos.id"), index=True)
    ordinal: Mapped[int]
    box: Mapped[list[Any]]
    landmarks: Mapped[list[Any]]
    eye_distance: Mapped[float]
    confidence: Mapped[float]
    quality: Mapped[dict[str, Any]]
    chosen_by: Mapped[str | None]
    chosen_at: Mapped[datetime | None]

    photo: Mapped[Photo] = relationship(lazy="joined")


class TemplateRow(Base):
    """A face's template under one contract, sealed, with the labels of its person; `active`: searches find it."""

    __tablename__ = "templates"

    key: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    face_id: Mapped[str] = mapped_column(sa.ForeignKey("faces.id"))
    person_key: Mapped[int] = mapped_column(sa.ForeignKey("persons.key"), index=True)
    contract: Mapped[str]
    kind: Mapped[int]
    region: Mapped[int]
    sex: Mapped[int] = mapped_column(server_default=str(UNKNOWN.sex))
    born_from: Mapped[int] = mapped_column(server_default=str(UNKNOWN.born_from))
    born_to: Mapped[int] = mapped_column(server_default=str(UNKNOWN.born_to))
    seen_from: Mapped[int] = mapped_column(server_default=str(UNKNOWN.seen_from))
    seen_to: Mapped[int] = mapped_column(server_default=str(UNKNOWN.seen_to))
    key_id: Mapped[str]
    sealed: Mapped[bytes]
    active: Mapped[bool]

    __table_args__ = (
        sa.Index(None, "face_id", "contract", unique=True),
        sa.Index(None, "contract", "active", "key"),
        sa.Index("ix_templates_labels", *NARROWED_BY),  # whoever counts a narrowed gallery reads this alone
        {"sqlite_autoincrement": True},
    )


class GalleryHead(Base):
    """Last revision of one contract's gallery; locked by whoever changes it, so revisions have no gap."""

    __tablename__ = "gallery_heads"

    contract: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigKey)


class GalleryCount(Base):
    """How many persons of a kind and region searches find under exactly these contracts: sorted ids joined by "+"."""

    __tablename__ = "gallery_counts"

    kind: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    region: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contracts: Mapped[str] = mapped_column(primary_key=True)
    persons: Mapped[int]


class GalleryChange(Base):
    """Revision `revision` put a template in (`present`) or took it out."""

    __tablename__ = "gallery_changes"

    contract: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    template_key: Mapped[int] = mapped_column(BigKey)
    present: Mapped[bool]
    at: Mapped[datetime]
