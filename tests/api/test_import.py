"""A bulk import that dies at any moment goes on with --resume and ends as if nothing had happened."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from api import migrations, worker
from api.accounts.policy import Actor
from api.audit import service as audit
from api.cases.models import Case, Person, Photo
from api.cli import import_run
from api.cli.import_run import Import, done_before, register_all
from api.cli.import_table import Outcome, group, read_table
from api.gallery.matcher import Matcher
from api.gallery.models import Face, GalleryChange, TemplateRow
from api.jobs import queue
from api.kit.db import Base
from api.kit.node import Node, open_node
from api.kit.settings import Settings
from api.search.models import SearchRun
from facematch import images
from tests.api.photographs import Photographs
from tests.api.world import World, build_world

PERSONS = 4 * import_run.LOT  # several transactions, so that there is something between them
PATIENCE_S = 300


@pytest.fixture
def folder(tmp_path: Path, photographs: Photographs) -> Path:
    """Small pictures: somebody, nobody, and a letter that is no picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, picture in {"somebody": photographs.astronaut, "nobody": photographs.nobody}.items():
        small = images.degrade(picture, scale=0.4, brightness=1, jpeg_quality=90, turn_degrees=0)
        (folder / f"{name}.jpg").write_bytes(small)
    (folder / "letter.jpg").write_bytes(b"this is no picture")
    return folder


def a_table(folder: Path, files: list[str], **cells: str) -> Path:
    table = folder.parent / "persons.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        said = {"found_on": "2026-01-02"} | cells
        writer.writerow(["file", *said])
        writer.writerows([file, *said.values()] for file in files)
    return table


def imported(node: Node, matcher: Matcher, actor: Actor, folder: Path, table: Path) -> list[Outcome]:
    """The import as the command does it, with what earlier runs did."""
    known = done_before(node, actor, "batch")
    persons = list(group(read_table(table)))
    work = Import(node, matcher, actor, folder, "batch")
    outcomes = register_all(work, persons, known=known, done=lambda _: None)
    worker.run_waiting(node, matcher)
    return sorted(outcomes, key=lambda outcome: outcome.line)


def result(node: Node) -> dict[str, object]:
    """What an import leaves: pictures with their state, and how many of everything else."""
    with node.db.read() as session:
        assert audit.check_chain(session).broken_at is None
        assert queue.count_waiting(session) == 0
        columns = (Photo.upload_sha256, Photo.state)
        pictures = session.execute(sa.select(*columns).order_by(*columns)).all()
        revisions = session.scalars(sa.select(GalleryChange.revision).order_by(GalleryChange.revision)).all()
    tables = (Case, Person, Face, TemplateRow, SearchRun)
    counts = {table.__tablename__: count(node, table) for table in tables}
    return {"pictures": list(map(tuple, pictures)), "revisions": list(revisions), **counts}


def count(node: Node, table: type[Base]) -> int:
    with node.db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def killed_at_random(command: list[str], node: Node, environment: dict[str, str]) -> None:
    """Start the command and kill it at a random moment after it has registered somebody more."""
    before, deadline = count(node, Photo), time.monotonic() + PATIENCE_S
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and count(node, Photo) == before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.3))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_killed_twice_and_resumed_it_ends_as_if_undisturbed(
    node: Node, matcher: Matcher, world: World, folder: Path, tmp_path: Path, weights_dir: Path
) -> None:
    rare = {1: "nobody.jpg", 2: "letter.jpg"}
    table = a_table(folder, [rare.get(line % 16, "somebody.jpg") for line in range(PERSONS)])
    imported(node, matcher, world.registrar, folder, table)
    other = open_node(Settings(home=tmp_path / "other", weights_dir=weights_dir))
    migrations.upgrade(other.db)
    build_world(other)
    environment = os.environ | {"LIGHTHOUSE_HOME": str(other.settings.home), "LIGHTHOUSE_WEIGHTS_DIR": str(weights_dir)}
    lighthouse = str(Path(sys.executable).parent / "lighthouse")
    command = [lighthouse, "import", str(folder), "--csv", str(table), "--as", "registrar", "--resume"]
    for _ in range(2):
        killed_at_random(command, other, environment)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    worker.run_waiting(other, matcher)
    assert result(other) == result(node)
    other.close()
