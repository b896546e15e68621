"""Does the waiting work, one job at a time. The only place that knows which name means which function.

A job that breaks is written down with its code and tried again later; the worker itself never stops for it.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from api.gallery import enrol, replica
from api.gallery import service as gallery
from api.gallery.matcher import Matcher
from api.jobs import queue
from api.jobs.models import Job
from api.kit.node import Node
from api.reunions import service as reunions
from api.search import standing

log = structlog.get_logger()
Work = Callable[[Node, Matcher, dict[str, Any], datetime], None]


def _enrol(node: Node, matcher: Matcher, payload: dict[str, Any], now: datetime) -> None:
    enrol.enrol_photo(node, matcher, payload["photo_id"], now=now)


def _reconcile(node: Node, _matcher: Matcher, payload: dict[str, Any], now: datetime) -> None:
    with node.db.write() as session:
        gallery.reconcile_case(session, payload["case_id"], now=now)


def _search_standing(node: Node, matcher: Matcher, payload: dict[str, Any], now: datetime) -> None:
    standing.search_standing(node, matcher, payload["person_id"], payload["face_id"], now=now)


def _remind(node: Node, _matcher: Matcher, payload: dict[str, Any], now: datetime) -> None:
    with node.db.write() as session:
        reunions.remind(session, payload["follow_up_id"], now=now)


WORK: dict[str, Work] = {
    "gallery.enrol": _enrol,
    "gallery.reconcile": _reconcile,
    "search.standing": _search_standing,
    "reunions.remind": _remind,
}


def run_waiting(node: Node, matcher: Matcher, done: Callable[[], None] = lambda: None) -> int:
    """Do everything that is due now, including what that work asks for; `done` is called after each job."""
    count = 0
    while (job := _claim(node)) is not None:
        _run(node, matcher, job)
        done()
        count += 1
    return count


def _claim(node: Node) -> Job | None:
    with node.db.write() as session:
        return queue.claim(session, now=node.clock())


def _run(node: Node, matcher: Matcher, job: Job) -> None:
    with structlog.contextvars.bound_contextvars(job=job.id, work=job.name, attempt=job.attempts):
        try:
            WORK[job.name](node, matcher, job.payload, node.clock())
        except Exception as broken:
            code = getattr(broken, "code", type(broken).__name__)
            log.warning("job_failed", code=code, exc_info=broken)
            with node.db.write() as session:
                queue.fail(session, job.id, code=code, now=node.clock())
        else:
            with node.db.write() as session:
                queue.finish(session, job.id, now=node.clock())
            log.info("job_done")


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
        """Finish the job in hand and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def run(self) -> None:
        """Work until stopped; runs in the calling thread when called directly."""
        while not self._stop.is_set():
            try:
                run_waiting(self._node, self._matcher)
                replica.catch_up(self._node, self._matcher)
            except Exception as broken:
                log.warning("worker_waits", exc_info=broken)
            self._stop.wait(self._node.settings.poll_interval_s)
