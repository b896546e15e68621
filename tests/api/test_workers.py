"""Many workers on one PostgreSQL: whoever is killed, every photo is enrolled once and every face is asked once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.audit import service as audit
from api.audit.models import AuditEntry
from api.cases.models import Photo
from api.gallery.models import Face, GalleryChange, TemplateRow
from api.jobs import queue
from api.jobs.models import Job
from api.kit.node import Node
from api.search.models import SearchRun
from api.worker import LOTS
from facematch import images
from tests.api.papers import a_found_person, a_photo
from tests.api.photographs import Photographs
from tests.api.world import World

WORKERS, KILLED = 4, 2
PHOTOS = WORKERS * LOTS["gallery.enrol"]  # a lot for each, so that everybody who is killed had work
LEASE_S, PATIENCE_S = 5, 300


@contextmanager
def workers(node: Node, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many `lighthouse worker` processes on the node's database; all ended afterwards."""
    settings = node.settings
    says = {"HOME": settings.home, "DATABASE_URL": settings.database_url, "WEIGHTS_DIR": settings.weights_dir}
    says |= {"JOB_LEASE_S": LEASE_S, "POLL_INTERVAL_S": 0.2, "THREADS": 1}
    environment = os.environ | {f"LIGHTHOUSE_{name}": str(value) for name, value in says.items()}
    command = [Path(sys.executable).parent / "lighthouse", "worker"]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def count(node: Node, query: sa.Select[tuple[int]]) -> int:
    with node.db.read() as session:
        return session.scalar(query) or 0


def wait_until(node: Node, query: sa.Select[tuple[int]], wanted: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while count(node, query) < wanted:
        assert time.monotonic() < deadline, f"{count(node, query)} of {wanted}"
        time.sleep(0.05)


@pytest.fixture
def waiting(node: Node, world: World, photographs: Photographs) -> Node:
    """As many photos as make a lot for each worker, small enough to be looked at quickly."""
    small = images.degrade(photographs.astronaut, scale=0.4, brightness=1, jpeg_quality=90, turn_degrees=0)
    for _ in range(PHOTOS):
        a_photo(node, world.registrar, a_found_person(node, world.registrar), small)
    return node


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_every_photo_is_enrolled_once_though_two_of_four_workers_are_killed(waiting: Node) -> None:
    total = sa.func.count()
    with workers(waiting, WORKERS) as started:
        wait_until(waiting, sa.select(total).where(Job.claimed_until.is_not(None)), PHOTOS // 2)
        time.sleep(random.uniform(0, 1))
        for process in random.sample(started, KILLED):
            process.send_signal(signal.SIGKILL)
        done = sa.select(total).select_from(Job).where(Job.finished_at.is_not(None))
        wait_until(waiting, done, 2 * PHOTOS)  # enrolled, and asked of everybody who waits
    with waiting.db.read() as session:
        assert queue.count_waiting(session) == 0
        assert set(session.scalars(sa.select(Photo.state))) == {"enrolled"}
        revisions = session.scalars(sa.select(GalleryChange.revision).order_by(GalleryChange.revision)).all()
        assert revisions == list(range(1, PHOTOS + 1))
        tables = [session.scalar(sa.select(total).select_from(table)) for table in (Face, TemplateRow, SearchRun)]
        assert tables == [PHOTOS] * 3
        found = sa.select(total).where(AuditEntry.act == "faces-found")
        assert session.scalar(found) == PHOTOS
        assert audit.check_chain(session).broken_at is None
