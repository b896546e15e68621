"""Work in the table: nothing is lost, nothing is done twice, what breaks is tried again."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from api.jobs import queue
from api.jobs.models import Job
from api.kit.node import Node

LEASE_S = 60
LOTS = {"gallery.enrol": 3}


def _put(node: Node, now: datetime, *, name: str = "gallery.enrol", times: int = 1) -> None:
    with node.db.write() as session:
        for number in range(times):
            queue.put(session, name, {"photo_id": str(number)}, now=now)


def _claim(node: Node, now: datetime) -> list[Job]:
    with node.db.write() as session:
        return queue.claim(session, now=now, lease_s=LEASE_S, lots=LOTS)


def _finish(node: Node, jobs: list[Job], now: datetime) -> None:
    with node.db.write() as session:
        queue.finish(session, [job.id for job in jobs], now=now)


def test_a_claimed_job_is_not_given_to_a_second_worker(node: Node, now: datetime) -> None:
    _put(node, now)
    assert len(_claim(node, now)) == 1
    assert _claim(node, now) == []


def test_a_job_of_a_dead_worker_is_taken_over_when_its_time_is_up(node: Node, now: datetime) -> None:
    _put(node, now)
    _claim(node, now)
    assert _claim(node, now + timedelta(seconds=LEASE_S)) == []
    (again,) = _claim(node, now + timedelta(seconds=LEASE_S + 1))
    assert again.attempts == 2


def test_alike_jobs_are_taken_together_up_to_the_size_of_a_lot(node: Node, now: datetime) -> None:
    _put(node, now - timedelta(seconds=1), times=4)
    _put(node, now, name="gallery.reconcile", times=2)
    lots = [[job.name for job in _claim(node, now)] for _ in range(5)]
    assert lots == [["gallery.enrol"] * 3, ["gallery.enrol"], ["gallery.reconcile"], ["gallery.reconcile"], []]


def test_jobs_of_a_dead_worker_come_back_one_by_one(node: Node, now: datetime) -> None:
    """One of them may have been what brought it down; the others must not die with it again."""
    _put(node, now, times=3)
    _claim(node, now)
    later = now + timedelta(seconds=LEASE_S + 1)
    assert [len(_claim(node, later)) for _ in range(4)] == [1, 1, 1, 0]


def test_a_job_that_brings_every_worker_down_is_given_up(node: Node, now: datetime) -> None:
    _put(node, now)
    for _ in range(queue.ATTEMPTS):
        assert len(_claim(node, now)) == 1
        now += timedelta(seconds=LEASE_S + 1)
    assert _claim(node, now) == []
    with node.db.read() as session:
        assert session.scalar(sa.select(Job.error_code)) == queue.LOST


def test_work_two_believe_to_have_is_finished_by_one(node: Node, now: datetime) -> None:
    _put(node, now)
    slow = _claim(node, now)
    _finish(node, _claim(node, now + timedelta(seconds=LEASE_S + 1)), now)
    with pytest.raises(queue.JobAlreadyDone):
        _finish(node, slow, now)


def test_a_rolled_back_request_leaves_no_job(node: Node, now: datetime) -> None:
    with pytest.raises(RuntimeError), node.db.write() as session:
        queue.put(session, "gallery.enrol", {}, now=now)
        raise RuntimeError
    assert _claim(node, now) == []


def test_a_broken_job_waits_longer_each_time_and_is_given_up(node: Node, now: datetime) -> None:
    _put(node, now)
    waits = []
    while jobs := _claim(node, now):
        with node.db.write() as session:
            queue.fail(session, jobs[0].id, code="broken", now=now)
        with node.db.read() as session:
            due = session.get_one(Job, jobs[0].id).due_at
        waits.append((due - now).total_seconds())
        now = max(now, due) + timedelta(seconds=1)
    assert waits[:4] == [5, 25, 125, 625]
    with node.db.read() as session:
        assert session.scalar(sa.select(Job.failed_at)) is not None


def test_finished_work_is_not_waiting(node: Node, now: datetime) -> None:
    _put(node, now)
    _finish(node, _claim(node, now), now)
    with node.db.read() as session:
        assert queue.count_waiting(session) == 0
