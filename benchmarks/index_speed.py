"""How fast the memory searches, beside other engines on the same data and threads, and beside the machine's limits.

Wall times are medians of rounds in which the engines take turns. Ours answers with the best ten persons, the others
with the best ten templates, which is less work; recall is against inner products in float64 of every row. The limit is
the time to read all codes once at the bandwidth measured in the same run, or of all integer products at the rate that
is measured within the cache, whichever is more. FAISS uses matrix products for batches (its own default would not).
HNSW is measured on 30,000 templates: building it for a million takes half an hour of processor time.

Parts (`--parts`) are measured one by one and kept in index_speed.json; the table shows the last figures of every part.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.progress import Progress

from benchmarks import index_service
from benchmarks.frame import CannotMeasure, Options, Row, faces_folder, run_benchmark
from benchmarks.galleries import REGIONS, Gallery, filled
from benchmarks.index_contest import Arena, Figure, pass_limit_ms, searches_ms
from benchmarks.index_plots import draw_engines, draw_growth
from benchmarks.pairs import read_people
from benchmarks.peers import (
    FLAT,
    Peer,
    hnswlib_graph,
    installed,
    milvus_lite,
    usearch_exact,
    usearch_graph,
)
from benchmarks.templates import embed, open_bundle, shelf_argument
from index.turns import threads
from index.types import EVERYTHING, Filter, Vectors

MILLION = 1_000_000
FASTER = {1: 3, 16: 6, 256: 3}  # than FAISS flat, at least
NEAR_LIMIT = 1.5  # times the limit, for one query
FILTER_FASTER = 20  # than without a filter, where it keeps 1 %
PICTURES = 1_000  # real faces that become a gallery
Part = Callable[["Run"], "list[Row]"]


class Run:
    """What a part may ask for."""

    def __init__(self, options: Options, progress: Progress) -> None:
        self.options, self.progress = options, progress

    def size(self, count: int) -> int:
        """The size to measure; a quick run measures a fortieth."""
        return count // 40 if self.options.quick else count


def batches(run: Run, gallery: Gallery, name: str) -> list[Row]:
    """One, 16 and 256 queries: ours, FAISS, and usearch where it is installed."""
    arena = Arena.of(gallery, run.progress)
    rows, bars = [], {}
    for batch in FASTER:
        peers = arena.peers if batch < 256 else [arena.flat]  # the others take minutes for 256
        if batch < 256 and installed("usearch"):
            peers = [*peers, usearch_exact(arena.vectors, threads())]
        figures, limit = arena.contest(batch, peers), pass_limit_ms(arena.ours, batch)
        rows += _rows(f"{name}, {gallery.count:,} x {gallery.dimension}, batch {batch}", figures, batch, limit)
        bars[f"batch of {batch}"] = {one.engine: one.ms / batch for one in figures} | {"limit": limit / batch}
    if not run.options.quick:
        draw_engines(bars, run.options.results / f"index_speed-{name.replace(' ', '-')}.svg")
    return rows


def _rows(label: str, figures: list[Figure], batch: int, limit: float) -> list[Row]:
    ours, *others = figures
    flat = next(one.ms for one in others if one.engine == FLAT)
    measure = f"{label}, recall {ours.recall:g}"
    rows = [
        Row(measure=measure, value=ours.ms, unit="ms", peer=FLAT, peer_value=flat, limit=limit,
            target=flat / FASTER[batch], better="lower"),
    ]  # fmt: skip
    if batch == 1:
        rows.append(
            Row(
                measure=f"{label}, over its limit",
                value=ours.ms / limit,
                unit="times",
                target=NEAR_LIMIT,
                better="lower",
            )
        )
    return rows + [_peer_row(label, one) for one in others]


def _peer_row(label: str, one: Figure) -> Row:
    return Row(measure=f"{label}: {one.engine}, recall {one.recall:.4f}", value=one.ms, unit="ms", better="lower")


def search(run: Run) -> list[Row]:
    return batches(run, Gallery(run.size(MILLION), 512), "people")


def faces(run: Run) -> list[Row]:
    """Real templates of the default bundle, again and again with noise."""
    extractor = open_bundle("opencv-zoo")
    paths = read_people(faces_folder() / "lfw").paths[: run.size(PICTURES)]
    seen = embed(extractor, paths, shelf=run.options.shelf, progress=run.progress, budget_s=None)
    real: Vectors = seen.templates[seen.found]
    return batches(run, Gallery(run.size(MILLION), extractor.dimension, faces=real), "real faces")


def graphs(run: Run) -> list[Row]:
    """HNSW and Milvus Lite on a gallery that they can be built for in minutes."""
    arena = Arena.of(Gallery(run.size(30_000), 512), run.progress)
    makers = {"hnswlib": hnswlib_graph, "usearch": usearch_graph, "milvus-lite": milvus_lite}
    absent = [name for name in makers if not installed(name)]
    peers: list[Peer] = [make(arena.vectors, threads()) for name, make in makers.items() if name not in absent]
    rows = []
    for batch in (1, 16):
        label = f"graphs, {arena.gallery.count:,} x 512, batch {batch}"
        figures = arena.contest(batch, [arena.flat, *peers])
        rows += [_peer_row(label, one) for one in figures]
        rows += [Row(measure=f"{label}: {name}", value=0, unit="installed") for name in absent]
    built = [Row(measure=f"graphs, building {one.name}", value=one.build_s, unit="s", better="lower") for one in peers]
    return rows + built


def filters(run: Run) -> list[Row]:
    """A filter that keeps 1 %, one that keeps half, and 500 excluded persons; they take turns with none."""
    gallery = Gallery(run.size(MILLION), 512)
    index, queries = filled(gallery, run.progress), gallery.queries(1)
    label, chosen = (
        f"filter, {gallery.count:,} x 512, one query",
        {
            "none": EVERYTHING,
            f"one region of {REGIONS}": Filter(regions=frozenset({7})),
            "one kind of two": Filter(kinds=frozenset({1})),
            "500 persons excluded": Filter(excluded_persons=frozenset(range(500))),
        },
    )
    times = searches_ms(index, queries, chosen)
    whole = times.pop("none")
    rows = [Row(measure=f"{label}, none", value=whole, unit="ms", better="lower")]
    for name, value in times.items():
        target = whole / FILTER_FASTER if "region" in name else None
        rows.append(
            Row(
                measure=f"{label}, {name}",
                value=value,
                unit="ms",
                peer="no filter",
                peer_value=whole,
                target=target,
                better="lower",
            )
        )
    return rows


def growth(run: Run) -> list[Row]:
    """From 100,000 to four millions of the default bundle's dimension."""
    lines: dict[str, list[tuple[int, float]]] = {"one query": [], "16 queries": []}
    for count in map(run.size, (100_000, MILLION, 4 * MILLION)):
        gallery = Gallery(count, 128)
        index = filled(gallery, run.progress)
        for name, line in lines.items():
            queries = gallery.queries(16 if "16" in name else 1)
            line.append((count, searches_ms(index, queries, {name: EVERYTHING})[name]))
    if not run.options.quick:
        draw_growth(lines, run.options.results / "index_speed-growth.svg")
    rows = []
    for name, line in lines.items():
        for place, (count, value) in enumerate(line):
            target = line[place - 1][1] * count / line[place - 1][0] if place else None
            rows.append(
                Row(measure=f"growth, {count:,} x 128, {name}", value=value, unit="ms", target=target, better="lower")
            )
    return rows


PARTS: dict[str, Part] = {
    "search": search,
    "faces": faces,
    "filters": filters,
    "graphs": graphs,
    "growth": growth,
    "memory": lambda run: index_service.memory(Gallery(run.size(10 * 32_768), 512)),
    "adding": lambda run: index_service.adding(Gallery(run.size(MILLION), 512), run.progress),
    "snapshot": lambda run: index_service.snapshots(Gallery(run.size(MILLION), 512), run.progress),
}


def measure(options: Options, progress: Progress) -> list[Row]:
    """The chosen parts measured, the others as they were last kept; a quick run shows what it measures only."""
    run, kept = Run(options, progress), options.results / "index_speed.json"
    known = json.loads(kept.read_text()) if kept.is_file() and not options.quick else {}
    for name in options.parts:
        try:
            known[name] = [asdict(row) for row in PARTS[name](run)]
        except CannotMeasure as trouble:
            progress.console.print(f"{name}: {trouble}", style="yellow", markup=False)
    if not options.quick:
        keep(known, kept)
    return [Row(**cells) for name in PARTS for cells in known.get(name, [])]


def keep(known: dict[str, object], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), help="what to measure")
    shelf_argument(parser)


if __name__ == "__main__":
    sys.exit(run_benchmark("index_speed", measure, about=__doc__ or "", arguments=arguments))
