"""Work in the table: nothing is lost, nothing is done twice, what breaks is tried again."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from api.jobs import queue
from api.jobs.models import Job
from api.kit.node import Node


def _put(node: Node, now: datetime) -> None:
    with node.db.write() as session:
        queue.put(session, "gallery.enrol", {"photo_id": "p"}, now=now)


def _claim(node: Node, now: datetime) -> Job | None:
    with node.db.write() as session:
        return queue.claim(session, now=now)


def test_a_claimed_job_is_not_given_to_a_second_worker(node: Node, now: datetime) -> None:
    _put(node, now)
    assert _claim(node, now) is not None
    assert _claim(node, now) is None


def test_a_job_of_a_dead_worker_is_taken_over(node: Node, now: datetime) -> None:
    _put(node, now)
    _claim(node, now)
    again = _claim(node, now + queue.CLAIM + timedelta(seconds=1))
    assert again is not None
    assert again.attempts == 2


def test_a_rolled_back_request_leaves_no_job(node: Node, now: datetime) -> None:
    with pytest.raises(RuntimeError), node.db.write() as session:
        queue.put(session, "gallery.enrol", {}, now=now)
        raise RuntimeError
    assert _claim(node, now) is None


def test_a_broken_job_waits_longer_each_time_and_is_given_up(node: Node, now: datetime) -> None:
    _put(node, now)
    waits = []
    while (job := _claim(node, now)) is not None:
        with node.db.write() as session:
            queue.fail(session, job.id, code="broken", now=now)
        with node.db.read() as session:
            due = session.get_one(Job, job.id).due_at
        waits.append((due - now).total_seconds())
        now = max(now, due) + timedelta(seconds=1)
    assert waits[:4] == [5, 25, 125, 625]
    with node.db.read() as session:
        assert session.scalar(sa.select(Job.failed_at)) is not None


def test_finished_work_is_not_waiting(node: Node, now: datetime) -> None:
    _put(node, now)
    job = _claim(node, now)
    assert job is not None
    with node.db.write() as session:
        queue.finish(session, job.id, now=now)
    with node.db.read() as session:
        assert queue.count_waiting(session) == 0
