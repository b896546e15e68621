"""Creating calls that may be repeated: the same key answers the same, another body is refused.

The answer is stored in the transaction of the act, so there is never an act without its answer.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.orm import Mapped, Session, mapped_column

from api.kit.db import Base
from api.kit.problems import IdempotencyKeyReused


class StoredAnswer(Base):
    """What was answered to a key of one user."""

    __tablename__ = "idempotency_answers"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[str]
    answer: Mapped[dict[str, Any]]
    at: Mapped[datetime]


@dataclass(frozen=True)
class Once:
    """One call's key (None: not asked for), its user, the digest of what was asked, and the time."""

    key: str | None
    user_id: str
    request_digest: str
    now: datetime

    def recall(self, session: Session) -> dict[str, Any] | None:
        """The stored answer, or None for a new key. Raises IdempotencyKeyReused."""
        if self.key is None:
            return None
        stored = session.get(StoredAnswer, (self.user_id, self.key))
        if stored is None:
            return None
        if stored.request_digest != self.request_digest:
            raise IdempotencyKeyReused
        return stored.answer

    def keep(self, session: Session, answer: dict[str, Any]) -> None:
        """Store the answer beside what it tells of."""
        if self.key is not None:
            row = StoredAnswer(
                user_id=self.user_id, key=self.key, request_digest=self.request_digest, answer=answer, at=self.now
            )
            session.add(row)

    def answer(self, session: Session, create: Callable[[], BaseModel]) -> dict[str, Any]:
        """Do it once; the second time only answer."""
        stored = self.recall(session)
        if stored is not None:
            return stored
        made = create().model_dump(mode="json")
        self.keep(session, made)
        return made


def answers_under(session: Session, user_id: str, prefix: str) -> dict[str, dict[str, Any]]:
    """Every answer stored for a user under keys that begin with `prefix`, by the rest of its key."""
    query = sa.select(StoredAnswer.key, StoredAnswer.answer)
    mine = query.where(StoredAnswer.user_id == user_id, StoredAnswer.key.startswith(prefix, autoescape=True))
    return {key.removeprefix(prefix): answer for key, answer in session.execute(mine)}


def keep_all(
    session: Session, user_id: str, answers: Mapping[str, dict[str, Any]], *, request_digest: str, now: datetime
) -> None:
    """Store many answers by key, beside what they tell of. A key that was used before fails the transaction."""
    said = {"user_id": user_id, "request_digest": request_digest, "at": now}
    if answers:
        rows = [{**said, "key": key, "answer": answer} for key, answer in answers.items()]
        session.execute(sa.insert(StoredAnswer), rows)


def digest_of(route: str, *parts: object) -> str:
    """sha256 over the route and the parts of a request."""
    text = json.dumps([route, *parts], sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
