"""Does the waiting work, one lot of alike jobs at a time. The only place that knows which name means which function.

A lot is one transaction, which also says that its jobs are done; where it breaks, each of its jobs is done alone. A job
that breaks is written down with its code and tried again later; the worker itself never stops for it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from api.gallery import enrol, replica
from api.gallery import service as gallery
from api.gallery.matcher import Matcher
from api.jobs import queue
from api.jobs.models import Job
from api.kit.node import Node
from api.reunions import service as reunions
from api.search import standing

log = structlog.get_logger()
LOTS = {"gallery.enrol": 32, "gallery.reconcile": 128, "search.standing": 128}  # jobs taken at a time, of others one


@dataclass(frozen=True)
class Lot:
    """Jobs of one name, and the moment they were begun."""

    jobs: Sequence[Job]
    now: datetime

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [job.payload for job in self.jobs]

    def finish(self, session: Session) -> None:
        """Say in the transaction of the work that it is done. Raises JobAlreadyDone."""
        queue.finish(session, [job.id for job in self.jobs], now=self.now)


Work = Callable[[Node, Matcher, Lot], None]


def _enrol(node: Node, matcher: Matcher, lot: Lot) -> None:
    photo_ids = [payload["photo_id"] for payload in lot.payloads]
    enrol.enrol_photos(node, matcher, photo_ids, now=lot.now, finish=lot.finish)


def _reconcile(node: Node, _matcher: Matcher, lot: Lot) -> None:
    with node.db.write() as session:
        gallery.reconcile_cases(session, {payload["case_id"] for payload in lot.payloads}, now=lot.now)
        lot.finish(session)


def _search_standing(node: Node, matcher: Matcher, lot: Lot) -> None:
    asked = {payload["face_id"]: payload["person_id"] for payload in lot.payloads}
    standing.search_standing(node, matcher, asked, now=lot.now, finish=lot.finish)


def _remind(node: Node, _matcher: Matcher, lot: Lot) -> None:
    with node.db.write() as session:
        for payload in lot.payloads:
            reunions.remind(session, payload["follow_up_id"], now=lot.now)
        lot.finish(session)


WORK: dict[str, Work] = {
    "gallery.enrol": _enrol,
    "gallery.reconcile": _reconcile,
    "search.standing": _search_standing,
    "reunions.remind": _remind,
}


def run_waiting(node: Node, matcher: Matcher, done: Callable[[int], None] = lambda _: None) -> int:
    """Do everything that is due now, including what that work asks for; `done` hears how many jobs each lot had."""
    count = 0
    while finished := _run_lot(node, matcher):
        done(finished)
        count += finished
    return count


def _run_lot(node: Node, matcher: Matcher) -> int:
    jobs = _claim(node)
    if jobs:
        _run(node, matcher, jobs)
    return len(jobs)


def _claim(node: Node) -> list[Job]:
    with node.db.write() as session:
        return queue.claim(session, now=node.clock(), lease_s=node.settings.job_lease_s, lots=LOTS)


def _run(node: Node, matcher: Matcher, jobs: Sequence[Job]) -> None:
    with structlog.contextvars.bound_contextvars(job=jobs[0].id, work=jobs[0].name, lot=len(jobs)):
        try:
            WORK[jobs[0].name](node, matcher, Lot(jobs, node.clock()))
        except queue.JobAlreadyDone:
            log.info("job_done_by_another")
        except Exception as broken:
            code = getattr(broken, "code", type(broken).__name__)
            log.warning("job_failed", code=code, exc_info=broken)
            if len(jobs) == 1:
                with node.db.write() as session:
                    queue.fail(session, jobs[0].id, code=code, now=node.clock())
        else:
            log.info("job_done")
            return
    if len(jobs) > 1:
        for job in jobs:
            _run(node, matcher, [job])


class Worker:
    """A thread that looks for work every `poll_interval_s` and keeps this process's index in step."""

    def __init__(self, node: Node, matcher: Matcher) -> None:
        self._node = node
        self._matcher = matcher
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the lot in hand and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def run(self) -> None:
        """Work until stopped; runs in the calling thread when called directly."""
        while not self._stop.is_set():
            try:
                if _run_lot(self._node, self._matcher):
                    continue
                replica.catch_up(self._node, self._matcher)
            except Exception as broken:
                log.warning("worker_waits", exc_info=broken)
            self._stop.wait(self._node.settings.poll_interval_s)
