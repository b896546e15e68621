"""This process's picture of the gallery: follows the rows by revision and is redrawn from them on any doubt.

The rows are the truth. Never writes a row, and never answers from a picture it could not bring up to date.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from api.gallery.models import GalleryChange, GalleryHead, TemplateRow
from api.gallery.sealing import open_template
from api.kit.node import Node
from api.kit.vault import Vault
from index import snapshot
from index.errors import OtherContract, SnapshotDamaged, StaleRevision, VectorRefused
from index.factory import new_index
from index.live import LiveIndex
from index.types import Change, Entry, VectorIndex

log = structlog.get_logger()
Progress = Callable[[int, int], None]  # templates read so far, and of how many
KEY_PURPOSE = "index-snapshot"
BATCH = 2_000  # changes applied at a time
SAMPLE = 1_000  # vectors compared by `verify`
COLUMNS = (
    TemplateRow.key,
    TemplateRow.face_id,
    TemplateRow.person_key,
    TemplateRow.kind,
    TemplateRow.region,
    TemplateRow.sealed,
)
Stored = tuple[int, str, int, int, int, bytes]  # as in COLUMNS
ALIKE = 1e-6  # largest difference of a component that float32 storage could explain


class Kept(Protocol):
    """The index of one contract, kept in step."""

    @property
    def live(self) -> LiveIndex: ...


class AllKept(Protocol):
    """What is kept in step: the matcher, seen from below; the leading contract comes first."""

    @property
    def memories(self) -> Sequence[Kept]: ...


@dataclass(frozen=True)
class VerifyReport:
    """How the index differs from the rows: ids missing and surplus, sampled entries that are different."""

    templates: int
    missing: int
    surplus: int
    different: int

    @property
    def ok(self) -> bool:
        return not (self.missing or self.surplus or self.different)


def open_index(node: Node, contract: str, dimension: int) -> VectorIndex:
    """The index of the last snapshot brought up to date; redrawn where the snapshot is missing, damaged or doubtful."""
    try:
        settings = node.settings
        index = snapshot.load(
            snapshot_path(node, contract),
            node.vault.derive(KEY_PURPOSE),
            contract=contract,
            engine=settings.index_engine,
            device=settings.index_device,
        )
    except (FileNotFoundError, SnapshotDamaged, OtherContract) as doubt:
        log.info("index_rebuilt", contract=contract, reason=getattr(doubt, "code", "missing"))
        return rebuild(node, contract, dimension)
    with node.db.read() as session:
        _follow(session, node.vault, index)
        if index.stamp.count != _count_active(session, contract):
            _redraw(session, node.vault, index, reason="other-history")
    return index


def rebuild(node: Node, contract: str, dimension: int, *, progress: Progress | None = None) -> VectorIndex:
    """A new index drawn from the rows of one moment. Raises SealBroken when a row was altered."""
    settings = node.settings
    index = new_index(settings.index_engine, contract, dimension, device=settings.index_device)
    with node.db.read() as session:
        _restore(session, node.vault, index, progress=progress)
    return index


def rebuild_live(node: Node, live: LiveIndex, *, progress: Progress | None = None) -> None:
    """Draw the index again from the rows while searches go on with the old picture, then swap."""
    with live.writing() as index, node.db.read() as session:
        _restore(session, node.vault, index, progress=progress)


def catch_up(node: Node, matcher: AllKept) -> int:
    """Apply what was committed since, under every contract.

    Returns the revision the leading contract has reached, which is not older than the database's at this moment.
    """
    lives = [memory.live for memory in matcher.memories]
    with node.db.read() as session:
        heads = [head_revision(session, live.stamp.contract) for live in lives]
    for live, head in zip(lives, heads, strict=True):
        if live.stamp.revision != head:
            with live.writing() as index, node.db.read() as session:
                _follow(session, node.vault, index)
    return lives[0].stamp.revision


def verify(node: Node, live: LiveIndex) -> VerifyReport:
    """Catch up, then compare every id and a sample of entries with the rows."""
    with live.writing() as index, node.db.read() as session:
        contract = index.stamp.contract
        _follow(session, node.vault, index)
        keys = set(session.scalars(sa.select(TemplateRow.key).where(*_active(contract))))
        sampled = sorted(keys)[:: max(1, len(keys) // SAMPLE)]
        there, held = _ids_and_some(index, set(sampled))
        truth = _entries(session, node.vault, contract, keys=sampled)
        different = sum(1 for entry in truth if entry.template in held and not _same(entry, held[entry.template]))
    return VerifyReport(len(keys), missing=len(keys - there), surplus=len(there - keys), different=different)


def save_snapshot(node: Node, live: LiveIndex) -> Path:
    """Write an index to disk, sealed against change by a key of this node, so that the next start is quick."""
    path = snapshot_path(node, live.stamp.contract)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with live.writing() as index:
        snapshot.save(index, path, node.vault.derive(KEY_PURPOSE))
    return path


def save_snapshots(node: Node, matcher: AllKept) -> None:
    """Write every index to disk."""
    for memory in matcher.memories:
        save_snapshot(node, memory.live)


def snapshot_path(node: Node, contract: str) -> Path:
    """Where the index of one contract is kept."""
    return node.settings.home / "index" / f"{contract}.snapshot"


def head_revision(session: Session, contract: str) -> int:
    """The last revision of a contract's gallery, 0 before the first."""
    return session.scalar(sa.select(GalleryHead.revision).where(GalleryHead.contract == contract)) or 0


def _follow(session: Session, vault: Vault, index: VectorIndex) -> None:
    """Bring an index to the revision of this reading session."""
    contract = index.stamp.contract
    head = head_revision(session, contract)
    if index.stamp.revision > head:
        _redraw(session, vault, index, reason="index-ahead-of-rows")
    while index.stamp.revision < head:
        changes = list(_changes(session, vault, contract, after=index.stamp.revision))
        try:
            index.apply(changes)
        except (StaleRevision, VectorRefused) as doubt:
            _redraw(session, vault, index, reason=doubt.code)
        if not changes:
            _redraw(session, vault, index, reason="history-missing")


def _redraw(session: Session, vault: Vault, index: VectorIndex, *, reason: str) -> None:
    log.warning("index_rebuilt", contract=index.stamp.contract, reason=reason)
    _restore(session, vault, index)


def _restore(session: Session, vault: Vault, index: VectorIndex, *, progress: Progress | None = None) -> None:
    contract = index.stamp.contract
    head = head_revision(session, contract)
    entries = _entries(session, vault, contract)
    if progress is not None:
        entries = _counted(entries, _count_active(session, contract), progress)
    index.restore(entries, head)


def _counted(entries: Iterator[Entry], total: int, progress: Progress) -> Iterator[Entry]:
    done = 0
    while batch := list(islice(entries, BATCH)):
        yield from batch
        done += len(batch)
        progress(done, total)


def _entries(session: Session, vault: Vault, contract: str, *, keys: list[int] | None = None) -> Iterator[Entry]:
    query = sa.select(*COLUMNS).where(*_active(contract)).order_by(TemplateRow.key)
    if keys is not None:
        query = query.where(TemplateRow.key.in_(keys))
    for row in session.execute(query.execution_options(yield_per=BATCH)):
        yield _entry(vault, contract, cast(Stored, tuple(row)))


def _entry(vault: Vault, contract: str, stored: Stored) -> Entry:
    key, face_id, person, kind, region, sealed = stored
    return Entry(key, person, kind, region, open_template(vault, sealed, face_id=face_id, contract=contract))


def _changes(session: Session, vault: Vault, contract: str, *, after: int) -> Iterator[Change]:
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


def _ids_and_some(index: VectorIndex, some: set[int]) -> tuple[set[int], dict[int, Entry]]:
    ids, held = set(), {}
    for entry in index.entries():
        ids.add(entry.template)
        if entry.template in some:
            held[entry.template] = entry
    return ids, held


def _same(a: Entry, b: Entry) -> bool:
    labels = (a.person, a.kind, a.region) == (b.person, b.kind, b.region)
    return labels and bool(np.allclose(a.vector, b.vector, rtol=0, atol=ALIKE))


def _count_active(session: Session, contract: str) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(TemplateRow).where(*_active(contract))) or 0


def _active(contract: str) -> tuple[sa.ColumnElement[bool], ...]:
    return TemplateRow.contract == contract, TemplateRow.active.is_(True)
