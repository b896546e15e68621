"""What the memory costs while it serves: bytes a template, adding meanwhile, opening a snapshot. Never on real data."""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from rich.progress import Progress

from benchmarks.frame import Row
from benchmarks.galleries import Gallery, filled
from benchmarks.index_contest import K
from index import snapshot
from index.flat import FlatIndex
from index.types import Change, Entry, Vectors

KEY = b"a key for benchmarks only"
ADDED, AT_A_TIME = 10_000, 500
PAUSE_S = 0.1  # between batches, so that many queries meet one
WEIGH = """
import gc, sys
from pathlib import Path
from rich.progress import Progress
from benchmarks.galleries import Gallery, filled
def anonymous():
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
gallery = Gallery(int(sys.argv[1]), int(sys.argv[2]))
warm = filled(Gallery(1000, gallery.dimension), Progress(disable=True))
warm.search(gallery.queries(1), 10)
before = anonymous()
index = filled(gallery, Progress(disable=True), folder=Path(sys.argv[3]) if sys.argv[3] else None)
index.search(gallery.queries(1), 10)
print((anonymous() - before) / gallery.count)
"""


def memory(gallery: Gallery) -> list[Row]:
    """Bytes a template that a process of its own takes, with vectors in memory and in files."""
    with tempfile.TemporaryDirectory(prefix="lighthouse-benchmark-") as folder:
        return [_weighed(gallery, "all in memory", "", 2_700), _weighed(gallery, "vectors in files", folder, 700)]


def adding(gallery: Gallery, progress: Progress) -> list[Row]:
    """The slowest query while templates are added in batches, beside twice the median of quiet ones."""
    index = filled(gallery, progress)
    queries, fresh = gallery.queries(1), gallery.queries(ADDED)
    first = gallery.count + 1
    entries = [Entry(first + place, first + place, 0, 0, vector) for place, vector in enumerate(fresh)]
    index.search(queries, K)  # the first one also tries what is faster here
    alone = [_timed(index, queries) for _ in range(40)]
    quiet = median(alone)
    times: list[float] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            times.append(_timed(index, queries))

    reader = threading.Thread(target=ask)
    reader.start()
    started = time.perf_counter()
    for start in range(0, ADDED, AT_A_TIME):
        time.sleep(PAUSE_S)
        revision = index.stamp.revision
        index.apply([Change(revision + 1 + n, e.template, e) for n, e in enumerate(entries[start : start + AT_A_TIME])])
    took = time.perf_counter() - started - PAUSE_S * (ADDED // AT_A_TIME)
    done.set()
    reader.join()
    label = f"{gallery.count:,} x {gallery.dimension}, one query"
    return [
        Row(measure=f"{label}, median while quiet", value=quiet, unit="ms", better="lower"),
        Row(measure=f"{label}, slowest of {len(alone)} while quiet", value=max(alone), unit="ms", better="lower"),
        Row(
            measure=f"{label}, slowest of {len(times)} while {ADDED:,} are added",
            value=max(times),
            unit="ms",
            target=2 * quiet,
            better="lower",
        ),
        Row(
            measure=f"adding {AT_A_TIME} at a time while searched without pause", value=ADDED / took, unit="templates/s"
        ),
    ]


def snapshots(gallery: Gallery, progress: Progress) -> list[Row]:
    """Saving and opening, the file in the page cache, and the first answer after opening."""
    index = filled(gallery, progress)
    with tempfile.TemporaryDirectory(prefix="lighthouse-benchmark-") as folder:
        path = Path(folder) / "index.snapshot"
        started = time.perf_counter()
        snapshot.save(index, path, KEY)
        saved = time.perf_counter() - started
        del index
        opened = []
        for _ in range(5):
            started = time.perf_counter()
            loaded = snapshot.load(path, KEY, contract="benchmark")
            opened.append(time.perf_counter() - started)
        started = time.perf_counter()
        loaded.search(gallery.queries(1), K)
        first = (time.perf_counter() - started) * 1e3
        size = path.stat().st_size / gallery.count
    label = f"snapshot of {gallery.count:,} x {gallery.dimension}"
    return [
        Row(measure=f"{label}, proved and opened", value=median(opened), unit="s", target=3, better="lower"),
        Row(measure=f"{label}, saved", value=saved, unit="s", better="lower"),
        Row(measure=f"{label}, first answer after opening", value=first, unit="ms", better="lower"),
        Row(measure=f"{label}, on disk", value=size, unit="B/template", better="lower"),
    ]


def _weighed(gallery: Gallery, name: str, folder: str, target: float) -> Row:
    command = [sys.executable, "-c", WEIGH, str(gallery.count), str(gallery.dimension), folder]
    weighed = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    label = f"memory of {gallery.count:,} x {gallery.dimension}, {name}"
    return Row(measure=label, value=weighed, unit="B/template", target=target, better="lower")


def _timed(index: FlatIndex, queries: Vectors) -> float:
    started = time.perf_counter()
    index.search(queries, K)
    return (time.perf_counter() - started) * 1e3
