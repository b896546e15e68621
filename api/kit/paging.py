"""Pages of long lists by cursor: the last id seen, opaque to the caller. Lists are ordered by id, newest first."""

import base64
import binascii
from typing import Generic, TypeVar

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.kit import ids
from api.kit.problems import CursorInvalid

Item = TypeVar("Item")
Row = TypeVar("Row")
LARGEST_PAGE = 100


class Page(BaseModel, Generic[Item]):
    """One page; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


def cut_page(
    session: Session, query: sa.Select[Row], *, key: InstrumentedAttribute[str], cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """The rows after `cursor`, newest first, and the cursor of the next page. Raises CursorInvalid."""
    limit = max(1, min(limit, LARGEST_PAGE))
    if cursor is not None:
        query = query.where(key < _read(cursor))
    rows = list(session.scalars(query.order_by(key.desc()).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, _write(getattr(rows[-1], key.key)) if more else None


def _write(last_id: str) -> str:
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def _read(cursor: str) -> str:
    try:
        last_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as unreadable:
        raise CursorInvalid from unreadable
    if len(last_id) != ids.LENGTH or not set(last_id) <= set(ids.ALPHABET):
        raise CursorInvalid
    return last_id
