"""Putting work in, taking it out, and writing down how it ended. Never runs anything itself."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.jobs.models import Job
from api.kit import ids

CLAIM = timedelta(minutes=5)
ATTEMPTS = 5


def put(session: Session, name: str, payload: dict[str, Any], *, now: datetime, case_id: str | None = None) -> None:
    """Ask for work by name, in the caller's transaction."""
    session.add(Job(id=ids.new_id(now), name=name, payload=payload, case_id=case_id, due_at=now))


def claim(session: Session, *, now: datetime) -> Job | None:
    """Take the oldest due job; two workers never get the same one."""
    query = (
        _waiting()
        .where(Job.due_at <= now, sa.or_(Job.claimed_until.is_(None), Job.claimed_until < now))
        .order_by(Job.due_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    job = session.scalar(query)
    if job is not None:
        job.claimed_until = now + CLAIM
        job.attempts += 1
    return job


def finish(session: Session, job_id: str, *, now: datetime) -> None:
    """The work is done; called in the transaction that did it."""
    session.execute(sa.update(Job).where(Job.id == job_id).values(finished_at=now))


def fail(session: Session, job_id: str, *, code: str, now: datetime) -> None:
    """The work broke: try again later with growing patience, give up after some attempts."""
    job = session.get_one(Job, job_id)
    job.error_code = code
    if job.attempts >= ATTEMPTS:
        job.failed_at = now
    else:
        job.claimed_until = None
        job.due_at = now + timedelta(seconds=5**job.attempts)


def count_waiting(session: Session) -> int:
    """Jobs neither finished nor given up."""
    return session.scalar(sa.select(sa.func.count()).select_from(_waiting().subquery())) or 0


def _waiting() -> sa.Select[Job]:
    return sa.select(Job).where(Job.finished_at.is_(None), Job.failed_at.is_(None))
