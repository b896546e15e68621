"""All templates of a contract, as an index is drawn from them. Never writes a row, nor believes a broken seal.

A driver makes a Python object of each field, which costs more than reading it, and asks for the interpreter at each
row, which stops whoever works beside it. So the database packs the rows of some hundred keys into one: their numbers,
their faces, and their seals one after the other. One thread reads, the caller opens what was read.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.gallery.models import TemplateRow
from api.gallery.sealing import PURPOSE, open_templates
from api.kit.ahead import ahead
from api.kit.problems import SealBroken
from api.kit.vault import Vault
from index.types import NUMBERS, Lot

SQLITE_LOT = 384  # keys, each lot a statement; from a megabyte on its memory is asked of the system anew each time
POSTGRESQL_LOT = 256  # keys; from half a megabyte on its server spends its time on asking the system for memory
AT_ONCE = 4  # lots that PostgreSQL sends in answer to one request
WIDEST_VIEW = 2**40  # bytes of the file; SQLite takes as many of them as it can, 2 GB unless built otherwise
SENT = np.dtype(">i8")  # as both databases write a number
BETWEEN = "\n"  # between two faces: no id has one, and one that had would break its lot's seals


_Found = tuple[str | bytes | None, str, bytes]  # numbers, faces, seals


@dataclass(frozen=True)
class Packed:
    """Rows: numbers (n, 9) as an index names them, lengths of the seals (n,), faces, and the seals in one piece."""

    numbers: NDArray[np.int64]
    lengths: NDArray[np.int64]
    faces: Sequence[str]
    sealed: memoryview


def lots(session: Session, vault: Vault, contract: str) -> Generator[Lot, None, None]:
    """What a contract's index holds at this session's moment. Raises SealBroken.

    Until this is closed nobody else may use the session.
    """
    return _opened(ahead(packed(session, contract)), vault, contract)


def _opened(source: Generator[Packed, None, None], vault: Vault, contract: str) -> Generator[Lot, None, None]:
    with closing(source):
        for rows in source:
            if len(rows.faces) != len(rows.lengths):
                raise SealBroken(purpose=PURPOSE)
            ends = np.concatenate(([0], np.cumsum(rows.lengths)))
            for first, end in _alike(rows.lengths):
                sealed, faces = rows.sealed[ends[first] : ends[end]], rows.faces[first:end]
                vectors = open_templates(vault, sealed, face_ids=faces, contract=contract)
                yield Lot(rows.numbers[first:end], vectors)


def _alike(lengths: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and end of each run of seals of one length: all of them, while every template has one dimension."""
    return list(pairwise([0, *(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(lengths)]))


def packed(session: Session, contract: str) -> Generator[Packed, None, None]:
    """The rows of a contract's index with their seals closed, those of some hundred keys at a time."""
    with closing(_found(session.connection(), contract)) as found:
        for numbers, faces, sealed in found:
            if numbers is not None:
                sent = numbers if isinstance(numbers, bytes) else bytes.fromhex(numbers)
                table = np.frombuffer(sent, SENT).reshape(-1, len(NUMBERS) + 1).astype(np.int64)
                yield Packed(table[:, :-1], table[:, -1], faces.split(BETWEEN), memoryview(sealed))


def _found(connection: sa.Connection, contract: str) -> Generator[_Found, None, None]:
    """Rows as packed by the database, None where a range of keys has none."""
    first, last = connection.execute(_ENDS, {"contract": contract}).one()
    if first is None or last is None:
        return
    if connection.dialect.name == "sqlite":
        with _looking_into(connection):
            for start in range(first, last + 1, SQLITE_LOT):
                yield connection.execute(_SQLITE, {"contract": contract, "start": start}).one()
    else:
        words = {"contract": contract, "first": first, "last": last}
        with connection.execute(_POSTGRESQL, words, execution_options={"yield_per": AT_ONCE}) as found:
            yield from found


@contextmanager
def _looking_into(connection: sa.Connection) -> Iterator[None]:
    """SQLite reads pages where the system keeps them instead of copying each: a third of what a row costs.

    Only meanwhile: what is looked into counts as memory of this process.
    """
    connection.exec_driver_sql(f"PRAGMA mmap_size={WIDEST_VIEW}")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA mmap_size=0")


_OURS = (TemplateRow.contract == sa.bindparam("contract"), TemplateRow.active.is_(True))
_ENDS: sa.Select[int | None, int | None] = sa.select(  # each looked up in the index; SQLite reads all for both at once
    *(sa.select(end(TemplateRow.key)).where(*_OURS).scalar_subquery() for end in (sa.func.min, sa.func.max))
)
_NUMBERS: Sequence[sa.SQLColumnExpression[int]] = (
    *(TemplateRow.key, TemplateRow.person_key, TemplateRow.kind, TemplateRow.region, TemplateRow.sex),
    *(TemplateRow.born_from, TemplateRow.born_to, TemplateRow.seen_from, TemplateRow.seen_to),
    sa.func.length(TemplateRow.sealed),
)


def _within(start: sa.ColumnElement[int], keys: int) -> tuple[sa.ColumnElement[bool], ...]:
    return *_OURS, TemplateRow.key >= start, TemplateRow.key < start + keys


def _in_sqlite() -> sa.Select[*_Found]:
    """Numbers as hexadecimal digits; SQLite joins blobs only as text, which it takes for what it is: bytes."""
    group = sa.func.group_concat
    numbers = group(sa.func.printf("%016X" * len(_NUMBERS), *_NUMBERS), "")
    sealed = sa.cast(group(TemplateRow.sealed, ""), sa.LargeBinary)
    start = sa.bindparam("start", type_=sa.BigInteger)
    return sa.select(numbers, group(TemplateRow.face_id, BETWEEN), sealed).where(*_within(start, SQLITE_LOT))


def _in_postgresql() -> sa.Select[*_Found]:
    """All lots in one stream: a statement for each would have to be planned and opened each time."""
    string, nothing = sa.func.string_agg, sa.cast(b"", sa.LargeBinary)
    numbers: sa.ColumnElement[bytes] = sa.func.int8send(_NUMBERS[0])
    for number in _NUMBERS[1:]:
        numbers = numbers.op("||")(sa.func.int8send(number))
    ends = (sa.bindparam(name, type_=sa.BigInteger) for name in ("first", "last"))
    column = sa.column("start", sa.BigInteger)
    starts = sa.func.generate_series(*ends, POSTGRESQL_LOT).table_valued(column, name="starts").render_derived()
    fields = (string(numbers, nothing), string(TemplateRow.face_id, BETWEEN), string(TemplateRow.sealed, nothing))
    lot = sa.select(*(field.label(None) for field in fields)).where(*_within(starts.c.start, POSTGRESQL_LOT)).lateral()
    return sa.select(*lot.c).select_from(starts.join(lot, sa.true()))


_SQLITE, _POSTGRESQL = _in_sqlite(), _in_postgresql()
