"""Milvus beside our own index: latency, the share of the true persons found, and how fast it is filled.

Milvus is the server at LIGHTHOUSE_MILVUS_URI, asked through `index.milvus` as a node asks it. Kind FLAT is exact; kind
HNSW is not, and its recall is the share of the truly best ten persons, once every vector lies in the graph. Each answer
waits until the server has seen everything written before the question, which takes up to one of its ticks (0.2 s).
"""

import os
import secrets
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice

from rich.progress import Progress

from benchmarks.frame import CannotMeasure, Options, Row, run_benchmark
from benchmarks.galleries import Gallery, filled
from benchmarks.index_contest import K, take_turns
from index.errors import EngineUnavailable
from index.factory import SHARED, drop_index, new_index
from index.flat import FlatIndex
from index.milvus_link import Link
from index.types import Lot, Server, VectorIndex, Vectors

BATCHES = (1, 16)
ASKED = 64  # queries that recall is counted over
PATIENCE_S = 900
LOT = 1_000  # templates given to the server at a time


def measure(options: Options, progress: Progress) -> list[Row]:
    """Each engine filled, asked, and removed from the server again."""
    uri = os.environ.get("LIGHTHOUSE_MILVUS_URI")
    if not uri:
        raise CannotMeasure("Set LIGHTHOUSE_MILVUS_URI to the address of a Milvus server.")
    gallery = Gallery(20_000 if options.quick else options.templates, options.dimension)
    ours, rows = filled(gallery, progress), []
    server = Server(uri, f"benchmark{secrets.token_hex(3)}", timeout_s=60)
    try:
        for engine in SHARED:
            rows += _rows(engine, gallery, ours, server, progress)
    except EngineUnavailable as trouble:
        raise CannotMeasure(f"The server at {uri} refused: {trouble}") from trouble
    finally:
        drop_index("benchmark", server=server)
    return rows


def _rows(engine: str, gallery: Gallery, ours: FlatIndex, server: Server, progress: Progress) -> list[Row]:
    index = new_index(engine, "benchmark", gallery.dimension, server=server)
    started = time.monotonic()
    index.restore(_counted(ours, engine, gallery.count, progress), 1)
    speed = gallery.count / (time.monotonic() - started)
    _settle(server)
    label, rows = f"{engine}, {gallery.count:,} x {gallery.dimension}", []
    rows.append(Row(measure=f"{label}, filling", value=speed, unit="templates/s"))
    asked = gallery.queries(ASKED)
    rows.append(Row(measure=f"{label}, recall", value=_recall(index, ours, asked), unit="of the best ten persons"))
    for batch in BATCHES:
        queries = asked[:batch]
        asks = {"milvus": lambda some=queries: index.search(some, K), "ours": lambda some=queries: ours.search(some, K)}
        times = take_turns(asks, rounds=5)
        rows.append(
            Row(
                measure=f"{label}, queries at once: {batch}",
                value=times["milvus"],
                unit="ms",
                peer="flat",
                peer_value=times["ours"],
                better="lower",
            )
        )
    return rows


def _counted(index: FlatIndex, engine: str, count: int, progress: Progress) -> Iterator[Lot]:
    task, entries = progress.add_task(f"filling {engine}", total=count), iter(index.entries())
    while some := list(islice(entries, LOT)):
        yield Lot.of(some)
        progress.advance(task, len(some))


def _settle(server: Server) -> None:
    """Wait until the server has built what it builds over all that was written."""
    link, deadline = Link(server), time.monotonic() + PATIENCE_S
    for collection in link.call("list_collections"):
        if server.namespace in collection:
            link.call("flush", collection, timeout_s=PATIENCE_S)
            while link.call("describe_index", collection, "vector").get("pending_index_rows", 0):
                if time.monotonic() > deadline:
                    raise CannotMeasure("The server did not build its index in time.")
                time.sleep(1)


def _recall(index: VectorIndex, exact: FlatIndex, queries: Vectors) -> float:
    found, true = index.search(queries, K), exact.search(queries, K)
    persons = [
        ({one.person for one in some}, {one.person for one in all_}) for some, all_ in zip(found, true, strict=True)
    ]
    return sum(len(some & all_) for some, all_ in persons) / (K * len(queries))


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--templates", type=int, default=200_000, help="how many templates a full run has")
    parser.add_argument("--dimension", type=int, default=128, help="of the templates")


if __name__ == "__main__":
    sys.exit(run_benchmark("milvus", measure, about=__doc__ or "", arguments=arguments))
