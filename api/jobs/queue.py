"""Putting work in, taking it out, and writing down how it ended. Never runs anything itself.

Who takes work has it for a time; whoever dies with it loses it to another then. Work that two believe to have is
finished by one: `finish` refuses the second, whose transaction then leaves nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.jobs.models import Job
from api.kit import ids
from api.kit.problems import Refusal

ATTEMPTS = 5
LOST = "worker-lost"


class JobAlreadyDone(Refusal):
    """Another worker finished the work first."""

    code = "job-already-done"


def put(session: Session, name: str, payload: dict[str, Any], *, now: datetime, case_id: str | None = None) -> None:
    """Ask for work by name, in the caller's transaction."""
    put_all(session, name, [(payload, case_id)], now=now)


def put_all(session: Session, name: str, wanted: Iterable[tuple[dict[str, Any], str | None]], *, now: datetime) -> None:
    """Ask for the same kind of work many times: payloads, each with the case it is about."""
    rows = [
        {"id": ids.new_id(now), "name": name, "payload": payload, "case_id": case_id, "due_at": now}
        for payload, case_id in wanted
    ]
    if rows:
        session.execute(sa.insert(Job), rows)


def claim(session: Session, *, now: datetime, lease_s: float, lots: Mapping[str, int] | None = None) -> list[Job]:
    """Take the oldest due job, and as many more of its name as `lots` says; two workers never get the same one.

    A job that was tried before comes alone: it may be what brought its worker down. One that brought down ATTEMPTS
    workers is given up.
    """
    first = session.scalar(_due(now).limit(1).with_for_update(skip_locked=True))
    while first is not None and first.attempts >= ATTEMPTS:
        first.failed_at, first.error_code = now, LOST
        session.flush()
        first = session.scalar(_due(now).limit(1).with_for_update(skip_locked=True))
    if first is None:
        return []
    taken = [first]
    more = (lots or {}).get(first.name, 1) - 1
    if more > 0 and first.attempts == 0:
        alike = _due(now).where(Job.name == first.name, Job.attempts == 0, Job.id != first.id)
        taken += session.scalars(alike.limit(more).with_for_update(skip_locked=True))
    for job in taken:
        job.claimed_until = now + timedelta(seconds=lease_s)
        job.attempts += 1
    return taken


def finish(session: Session, job_ids: Collection[str], *, now: datetime) -> None:
    """The work is done; called in the transaction that did it. Raises JobAlreadyDone."""
    unfinished = (Job.id.in_(job_ids), Job.finished_at.is_(None), Job.failed_at.is_(None))
    done = session.scalars(sa.update(Job).where(*unfinished).values(finished_at=now).returning(Job.id)).all()
    if len(done) < len(job_ids):
        raise JobAlreadyDone(jobs=len(job_ids) - len(done))


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


def _due(now: datetime) -> sa.Select[Job]:
    free = sa.or_(Job.claimed_until.is_(None), Job.claimed_until < now)
    return _waiting().where(Job.due_at <= now, free).order_by(Job.due_at, Job.id)


def _waiting() -> sa.Select[Job]:
    return sa.select(Job).where(Job.finished_at.is_(None), Job.failed_at.is_(None))
