"""How fast a folder of pictures becomes registered, enrolled and searchable persons, compared with the eye alone.

Peer: the same models over the same files on every core, nothing else, in turn with the import. The ratio is the share
of that speed which is left when every person is a case with rights, audit, sealed picture, sealed templates, index
change and a search among 1,000 waiting reports (random unit vectors, seeded). Pictures: LFW where LIGHTHOUSE_FACES is
set, other ones in every round. SQLite, and for information one round on PostgreSQL with nobody waiting. Figures a
picture are time of the processor; the parts of the import are measured one by one, "rows" is what is left of the whole.
"""

import csv
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from api.accounts.policy import Actor, Role
from api.cli import import_run, import_table
from api.gallery import replica
from api.gallery.matcher import Matcher, open_matcher
from api.kit.node import Node
from api.worker import run_waiting
from benchmarks.frame import Options, Row, faces_folder, run_benchmark
from benchmarks.node import add_user, fill_gallery, temporary_node, temporary_postgres
from facematch import images
from facematch.pipeline import extract_many

FULL, QUICK = (7, 250), (2, 100)  # rounds, and pictures in each
REPORTS, SEED = 1000, 20260301
TARGET = 0.75


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock and of the processor."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Site:
    """A node with people waiting, and who imports."""

    node: Node
    matcher: Matcher
    actor: Actor


@dataclass(frozen=True)
class Round:
    """The same pictures by the eye alone, and by the import in its two steps."""

    pictures: int
    eye: Spent
    registering: Spent
    searching: Spent

    @property
    def rate(self) -> float:
        """Pictures a second of the whole import."""
        return self.pictures / (self.registering.wall_s + self.searching.wall_s)

    @property
    def eye_rate(self) -> float:
        """Pictures a second of the eye alone."""
        return self.pictures / self.eye.wall_s


def main() -> int:
    return run_benchmark("import_speed", measure, about=__doc__ or "")


def measure(options: Options, progress: Progress) -> list[Row]:
    """Medians over rounds; the eye and the import take turns, so that a slow minute is slow for both."""
    rounds, size = QUICK if options.quick else FULL
    files = sorted((faces_folder() / "lfw" / "images").glob("*/*_0001.jpg"))
    lots = [files[start : start + size] for start in range(0, (rounds + 2) * size, size)]
    with _site(progress) as site:
        _round(site, lots[0], progress)  # what is compiled and read for the first time is nobody's to pay
        measured = [_round(site, lot, progress) for lot in lots[1:-1]]
        parts = _parts(site.node, lots[1])
    with temporary_postgres() as url, _site(progress, database_url=url) as site:
        _round(site, lots[0][:50], progress)
        other = _round(site, lots[-1], progress)
    return [*_rows(measured, "SQLite"), *_profile(measured, parts), *_rows([other], "PostgreSQL", target=None)]


@contextmanager
def _site(progress: Progress, **settings: object) -> Iterator[Site]:
    with temporary_node(embedded_worker=False, **settings) as node:
        actor, _ = add_user(node, "shelter", Role.REGISTRAR, kind="shelter", region="330100")
        eye = open_matcher(node, many=True).eye
        if node.db.is_sqlite:  # PostgreSQL counts persons' keys by itself and is measured with nobody waiting
            vectors = np.random.default_rng(SEED).standard_normal((REPORTS, eye.leader.dimension)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            fill_gallery(node, actor, contract=eye.contracts[0], vectors=vectors, progress=progress, kind="sought")
        yield Site(node, open_matcher(node, eye=eye, many=True), actor)


def _round(site: Site, files: Sequence[Path], progress: Progress) -> Round:
    matcher = site.matcher
    pictures = ((path, path.read_bytes()) for path in files)
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "persons.csv"
        folder = files[0].parent.parent
        _write_table(table, [str(path.relative_to(folder)) for path in files])
        persons = list(import_table.group(import_table.read_table(table)))
    work = import_run.Import(site.node, matcher, site.actor, folder, batch=str(files[0]))
    task = progress.add_task("importing", total=len(persons))
    return Round(
        len(files),
        _spent(lambda: list(extract_many(matcher.eye, pictures, workers=matcher.at_once))),
        _spent(lambda: import_run.register_all(work, persons, known={}, done=lambda n: progress.advance(task, n))),
        _spent(lambda: (run_waiting(site.node, matcher), replica.catch_up(site.node, matcher))),
    )


def _spent(work: Callable[[], object]) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def _parts(node: Node, files: Sequence[Path]) -> dict[str, float]:
    """Seconds of the processor a picture for what can be measured alone: the JPEG encoded anew, and kept sealed."""
    opened = [images.open_picture(path.read_bytes()) for path in files]
    for picture in opened:
        picture.pixels()
    clean: list[images.CleanImage] = []
    encoding = _spent(lambda: clean.extend(picture.clean() for picture in opened))
    keeping = _spent(lambda: [node.blobs.put(b"another" + one.jpeg) for one in clean])
    return {"JPEG encoded anew": encoding.cpu_s / len(files), "picture kept sealed": keeping.cpu_s / len(files)}


def _rows(rounds: Sequence[Round], database: str, *, target: float | None = TARGET) -> list[Row]:
    rate = statistics.median(one.rate for one in rounds)
    eye = statistics.median(one.eye_rate for one in rounds)
    about = f"{len(rounds)} rounds of {rounds[0].pictures} pictures, {database}"
    return [
        Row(measure=f"import, {about}", value=rate, unit="pictures/s", peer="eye alone, all cores", peer_value=eye),
        Row(measure=f"share of the extraction throughput, {database}", value=rate / eye, unit="ratio", target=target),
    ]


def _profile(rounds: Sequence[Round], parts: dict[str, float]) -> list[Row]:
    """Milliseconds of the processor a picture, by part."""

    def a_picture(spent: Callable[[Round], Spent]) -> float:
        return statistics.median(spent(one).cpu_s / one.pictures for one in rounds)

    eye, registering = a_picture(lambda one: one.eye), a_picture(lambda one: one.registering)
    stages = {"eye": eye, **parts, "rows": registering - eye - sum(parts.values())}
    stages |= {"standing search": a_picture(lambda one: one.searching)}
    return [
        Row(measure=f"of a picture: {name}", value=1000 * seconds, unit="ms of the processor", better="lower")
        for name, seconds in stages.items()
    ]


def _write_table(table: Path, names: list[str]) -> None:
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "sex", "age_low", "age_high", "found_on", "taken_on"])
        writer.writerows([name, 9, 20, 60, "2026-01-01", "2026-01-01"] for name in names)


if __name__ == "__main__":
    sys.exit(main())
