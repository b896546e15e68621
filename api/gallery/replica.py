"""This process's picture of the gallery: follows the rows by revision and is redrawn from them on any doubt.

The rows are the truth. Never writes a row, and never answers from a picture it could not bring up to date.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from api.gallery import place, rows
from api.gallery.lots import lots
from api.gallery.models import GalleryHead, TemplateRow
from api.kit.node import Node
from api.kit.vault import Vault
from index import snapshot
from index.errors import OtherContract, SnapshotDamaged, StaleRevision, VectorRefused
from index.live import LiveIndex
from index.types import Entry, Lot, VectorIndex

log = structlog.get_logger()
Progress = Callable[[int, int], None]  # templates read so far, and of how many
KEY_PURPOSE = "index-snapshot"
SAMPLE = 1_000  # vectors compared by `verify`
LABELS = ("person", "kind", "region", "sex", "born", "seen")
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
    """The index as it was left, brought up to date; redrawn where it is missing, damaged or doubtful."""
    with place.turn(node, contract):
        index = _as_left(node, contract, dimension)
        with node.db.read() as session:
            _follow(session, node.vault, index)
            if index.stamp.count != rows.count_active(session, contract):
                _redraw(session, node.vault, index, reason="other-history")
    return index


def _as_left(node: Node, contract: str, dimension: int) -> VectorIndex:
    if place.is_shared(node.settings):
        return place.new_index(node, contract, dimension)
    try:
        settings = node.settings
        return snapshot.load(
            place.snapshot_path(node, contract),
            node.vault.derive(KEY_PURPOSE),
            contract=contract,
            engine=settings.index_engine,
            device=settings.index_device,
        )
    except (FileNotFoundError, SnapshotDamaged, OtherContract) as doubt:
        log.info("index_rebuilt", contract=contract, reason=getattr(doubt, "code", "missing"))
        return rebuild(node, contract, dimension)


def rebuild(node: Node, contract: str, dimension: int, *, progress: Progress | None = None) -> VectorIndex:
    """An index drawn from the rows of one moment. Raises SealBroken when a row was altered."""
    with place.turn(node, contract):
        index = place.new_index(node, contract, dimension)
        with node.db.read() as session:
            _restore(session, node.vault, index, progress=progress)
    return index


def rebuild_live(node: Node, live: LiveIndex, *, progress: Progress | None = None) -> None:
    """Draw the index again from the rows while searches go on with the old picture, then swap."""
    with _writing(node, live, live.stamp.contract) as (index, session):
        _restore(session, node.vault, index, progress=progress)


def catch_up(node: Node, matcher: AllKept) -> int:
    """Apply what was committed since, under every contract.

    Returns the revision the leading contract has reached, which is not older than the database's at this moment.
    """
    stamps = [memory.live.stamp for memory in matcher.memories]
    with node.db.read() as session:
        heads = [head_revision(session, stamp.contract) for stamp in stamps]
    for memory, stamp, head in zip(matcher.memories, stamps, heads, strict=True):
        if stamp.revision != head:
            wait_s = node.settings.milvus_timeout_s
            with _writing(node, memory.live, stamp.contract, wait_s=wait_s) as (index, session):
                _follow(session, node.vault, index)
    return heads[0]


def verify(node: Node, live: LiveIndex) -> VerifyReport:
    """Catch up, then compare every id and a sample of entries with the rows."""
    contract = live.stamp.contract
    with _writing(node, live, contract) as (index, session):
        _follow(session, node.vault, index)
        keys = set(session.scalars(sa.select(TemplateRow.key).where(*rows.active(contract))))
        sampled = sorted(keys)[:: max(1, len(keys) // SAMPLE)]
        there, held = _ids_and_some(index, set(sampled))
        truth = rows.entries(session, node.vault, contract, keys=sampled)
        different = sum(1 for entry in truth if entry.template in held and not _same(entry, held[entry.template]))
    return VerifyReport(len(keys), missing=len(keys - there), surplus=len(there - keys), different=different)


def save_snapshot(node: Node, live: LiveIndex) -> Path:
    """Write an index to disk, sealed against change by a key of this node, so that the next start is quick.

    Returns where it is; a shared index is kept by its server, and nothing is written.
    """
    path = place.snapshot_path(node, live.stamp.contract)
    if not place.is_shared(node.settings):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with live.writing() as index:
            snapshot.save(index, path, node.vault.derive(KEY_PURPOSE))
    return path


def save_snapshots(node: Node, matcher: AllKept) -> None:
    """Write every index to disk."""
    for memory in matcher.memories:
        save_snapshot(node, memory.live)


def head_revision(session: Session, contract: str) -> int:
    """The last revision of a contract's gallery, 0 before the first."""
    return session.scalar(sa.select(GalleryHead.revision).where(GalleryHead.contract == contract)) or 0


@contextmanager
def _writing(
    node: Node, live: LiveIndex, contract: str, *, wait_s: float = math.inf
) -> Iterator[tuple[VectorIndex, Session]]:
    """The writer's turn, in this process and among all, and then the rows as they stand."""
    with live.writing() as index, place.turn(node, contract, wait_s=wait_s), node.db.read() as session:
        yield index, session


def _follow(session: Session, vault: Vault, index: VectorIndex) -> None:
    """Bring an index to the revision of this reading session."""
    stamp = index.stamp
    head = head_revision(session, stamp.contract)
    if stamp.revision > head:
        _redraw(session, vault, index, reason="index-ahead-of-rows")
    while stamp.revision < head:
        changes = list(rows.changes(session, vault, stamp.contract, after=stamp.revision))
        try:
            index.apply(changes)
        except (StaleRevision, VectorRefused) as doubt:
            _redraw(session, vault, index, reason=doubt.code)
        if not changes:
            _redraw(session, vault, index, reason="history-missing")
        stamp = index.stamp


def _redraw(session: Session, vault: Vault, index: VectorIndex, *, reason: str) -> None:
    log.warning("index_rebuilt", contract=index.stamp.contract, reason=reason)
    _restore(session, vault, index)


def _restore(session: Session, vault: Vault, index: VectorIndex, *, progress: Progress | None = None) -> None:
    contract = index.stamp.contract
    head = head_revision(session, contract)
    total = rows.count_active(session, contract) if progress is not None else 0
    with closing(lots(session, vault, contract)) as read:
        index.restore(read if progress is None else _counted(read, total, progress), head)


def _counted(read: Iterable[Lot], total: int, progress: Progress) -> Iterator[Lot]:
    done = 0
    for lot in read:
        yield lot
        done += len(lot.numbers)
        progress(done, total)


def _ids_and_some(index: VectorIndex, some: set[int]) -> tuple[set[int], dict[int, Entry]]:
    ids, held = set(), {}
    for entry in index.entries():
        ids.add(entry.template)
        if entry.template in some:
            held[entry.template] = entry
    return ids, held


def _same(a: Entry, b: Entry) -> bool:
    labels = all(getattr(a, name) == getattr(b, name) for name in LABELS)
    return labels and bool(np.allclose(a.vector, b.vector, rtol=0, atol=ALIKE))
