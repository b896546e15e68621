"""All templates of a contract, as an index is drawn from them. Never writes a row, nor believes a broken seal.

A driver makes a Python object of each field, which costs more than reading it, and asks for the interpreter at each
row, which stops whoever works beside it. So the database packs LOT rows into one: their numbers, their faces, and
their seals one after the other. One thread reads while another opens what was read and the caller takes what is open.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
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

LOT = 1_024  # rows
SENT = np.dtype(">i8")  # as both databases write a number
BETWEEN = "\n"  # between two faces: no id has one, and one that had would break its lot's seals


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
    return ahead(_opened(ahead(packed(session, contract)), vault, contract))


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
    """The rows of a contract's index with their seals closed, LOT at a time."""
    connection, after = session.connection(), -1
    query = _QUERIES[connection.dialect.name].execution_options(stream_results=True)  # PostgreSQL's streams are binary
    while True:
        numbers, faces, sealed = connection.execute(query, {"contract": contract, "after": after}).one()
        if numbers is None:
            return
        sent = numbers if isinstance(numbers, bytes) else bytes.fromhex(numbers)
        table = np.frombuffer(sent, SENT).reshape(-1, len(NUMBERS) + 1).astype(np.int64)
        after = int(table[:, 0].max())
        yield Packed(table[:, :-1], table[:, -1], faces.split(BETWEEN), memoryview(sealed))


def _next_rows() -> sa.Subquery:
    columns = (
        *(TemplateRow.key, TemplateRow.person_key, TemplateRow.kind, TemplateRow.region, TemplateRow.sex),
        *(TemplateRow.born_from, TemplateRow.born_to, TemplateRow.seen_from, TemplateRow.seen_to),
        *(sa.func.length(TemplateRow.sealed).label("length"), TemplateRow.face_id, TemplateRow.sealed),
    )
    ours = (TemplateRow.contract == sa.bindparam("contract"), TemplateRow.active.is_(True))
    query = sa.select(*columns).where(*ours, TemplateRow.key > sa.bindparam("after"))
    return query.order_by(TemplateRow.key).limit(LOT).subquery()


def _queries() -> dict[str, sa.Select[str | bytes | None, str, bytes]]:
    """By dialect: the numbers of the next rows (in SQLite as hexadecimal digits), their faces, and their seals.

    SQLite joins blobs only as text, which it takes for what it is: bytes.
    """
    *numbers, face, sealed = _next_rows().c
    digits = sa.func.printf("%016X" * len(numbers), *numbers)
    octets: sa.ColumnElement[bytes] = sa.func.int8send(numbers[0])
    for number in numbers[1:]:
        octets = octets.op("||")(sa.func.int8send(number))
    nothing = sa.cast(b"", sa.LargeBinary)
    group, string = sa.func.group_concat, sa.func.string_agg
    return {
        "sqlite": sa.select(group(digits, ""), group(face, BETWEEN), sa.cast(group(sealed, ""), sa.LargeBinary)),
        "postgresql": sa.select(string(octets, nothing), string(face, BETWEEN), string(sealed, nothing)),
    }


_QUERIES = _queries()
