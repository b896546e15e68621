"""How fast the memory is drawn anew from the rows: read, unsealed, proved to be unit vectors, coded for the first pass.

From SQLite and from PostgreSQL, random unit vectors (seeded), one face a person. On the same rows: what the database
alone takes to hand them out, that with every seal opened, and the whole. Reading goes on beside the rest, in a thread
of its own. It never measures a snapshot, which is what a start usually reads (benchmarks.index_speed).
"""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing

import numpy as np
from rich.progress import Progress, TaskID

from api.accounts.policy import Role
from api.gallery import lots, replica
from api.kit.node import Node
from benchmarks.frame import Options, Row, run_benchmark
from benchmarks.node import add_user, fill_gallery, temporary_node, temporary_postgres

FULL, QUICK = 200_000, 10_000
DIMENSION, SEED, ROUNDS = 512, 20260301, 3
CONTRACT = "0" * 16
TARGET = 250_000


def main() -> int:
    return run_benchmark("rebuild", measure, about=__doc__ or "")


def measure(options: Options, progress: Progress) -> list[Row]:
    """Templates a second, by database, with the stages of it."""
    count = QUICK if options.quick else FULL
    with temporary_node(embedded_worker=False) as node:
        measured = rows_of("SQLite", node, count, progress)
    with temporary_postgres() as url, temporary_node(embedded_worker=False, database_url=url) as node:
        return measured + rows_of("PostgreSQL", node, count, progress)


def rows_of(database: str, node: Node, count: int, progress: Progress) -> list[Row]:
    """The rates of one database, on `count` rows written for it."""
    actor, _ = add_user(node, "shelter", Role.REGISTRAR, kind="shelter", region="330100")
    vectors = np.random.default_rng(SEED).standard_normal((count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fill_gallery(node, actor, contract=CONTRACT, vectors=vectors, progress=progress)
    task = progress.add_task(f"redrawing from {database}", total=3 * ROUNDS)
    stages: dict[str, Callable[[], object]] = {
        "reading the rows": lambda: _read(node),
        "reading and unsealing": lambda: unseal(node),
        "the whole": lambda: replica.rebuild(node, CONTRACT, DIMENSION),
    }
    seconds = {}
    for name, stage in stages.items():
        rounds = [_seconds(stage, progress=progress, task=task) for _ in range(ROUNDS)]
        seconds[name] = statistics.median(rounds)
    head = f"{count:,} x {DIMENSION} from {database}"
    return [
        Row(
            measure=f"{head}: {name}",
            value=count / spent,
            unit="templates/s",
            target=TARGET if name == "the whole" else None,
        )
        for name, spent in seconds.items()
    ]


def _read(node: Node) -> None:
    with node.db.read() as session:
        for _ in lots.packed(session, CONTRACT):
            pass


def unseal(node: Node) -> None:
    """Read every template of the contract and open its seal. Raises SealBroken."""
    with node.db.read() as session, closing(lots.lots(session, node.vault, CONTRACT)) as opened:
        for _ in opened:
            pass


def _seconds(stage: Callable[[], object], *, progress: Progress, task: TaskID) -> float:
    started = time.perf_counter()
    stage()
    progress.advance(task)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
