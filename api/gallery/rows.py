"""Templates' rows and numbered changes as an index takes them. Never writes a row, nor believes a broken seal."""

from collections.abc import Iterator
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.gallery.models import GalleryChange, TemplateRow
from api.gallery.sealing import open_template
from api.kit.vault import Vault
from index.types import Change, Entry

BATCH = 2_000  # rows read, and changes applied, at a time
COLUMNS = (
    *(TemplateRow.key, TemplateRow.face_id, TemplateRow.person_key, TemplateRow.kind, TemplateRow.region),
    *(TemplateRow.sex, TemplateRow.born_from, TemplateRow.born_to, TemplateRow.seen_from, TemplateRow.seen_to),
    TemplateRow.sealed,
)
Stored = tuple[int, str, int, int, int, int, int, int, int, int, bytes]  # as in COLUMNS


def entries(session: Session, vault: Vault, contract: str, *, keys: list[int]) -> Iterator[Entry]:
    """Of these keys what a contract's index holds. Raises SealBroken."""
    query = sa.select(*COLUMNS).where(*active(contract), TemplateRow.key.in_(keys))
    for row in session.execute(query.execution_options(yield_per=BATCH)):
        yield _entry(vault, contract, cast(Stored, tuple(row)))


def _entry(vault: Vault, contract: str, stored: Stored) -> Entry:
    key, face_id, person, kind, region, sex, born_from, born_to, seen_from, seen_to, sealed = stored
    vector = open_template(vault, sealed, face_id=face_id, contract=contract)
    return Entry(key, person, kind, region, vector, sex, (born_from, born_to), (seen_from, seen_to))


def changes(session: Session, vault: Vault, contract: str, *, after: int) -> Iterator[Change]:
    """The next BATCH changes, with what the rows say now. Raises SealBroken."""
    query = (
        sa.select(GalleryChange.revision, GalleryChange.template_key, GalleryChange.present, *COLUMNS)
        .outerjoin(TemplateRow, TemplateRow.key == GalleryChange.template_key)
        .where(GalleryChange.contract == contract, GalleryChange.revision > after)
        .order_by(GalleryChange.revision)
        .limit(BATCH)
    )
    for row in session.execute(query):
        there = row.present and row.key is not None
        entry = _entry(vault, contract, cast(Stored, tuple(row)[3:])) if there else None
        yield Change(row.revision, row.template_key, entry)


def count_active(session: Session, contract: str) -> int:
    """How many templates a contract's index holds."""
    return session.scalar(sa.select(sa.func.count()).select_from(TemplateRow).where(*active(contract))) or 0


def active(contract: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Which rows a contract's index holds."""
    return TemplateRow.contract == contract, TemplateRow.active.is_(True)
