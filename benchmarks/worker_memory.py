"""What a worker's memory does while it looks at photo after photo: the highest, and how much it still grows.

LFW over and over, one photo of a hundred one of twelve megapixels, a picture a core, on the way that the import and the
worker take. The first tenth is warming up: arenas and threads take what they need. Growth is the slope of the rest as a
share of where it began; the slope of the second half tells whether it is coming to an end. The mean of every thousand
photos is written to worker_memory-curve.json as it comes, so a run that is broken off leaves its curve. It cannot be
taken up again: the memory is that of one process. 100,000 photos took an hour on two busy cores.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks import plots
from benchmarks.extract_peers import CORES
from benchmarks.extract_photos import large_photos
from benchmarks.frame import Options, Row, faces_folder, run_benchmark
from benchmarks.templates import open_bundle
from facematch.pipeline import extract_many

FULL, QUICK = 100_000, 500
WARM_UP = 0.1
LARGE, LARGE_EVERY = 8, 100
BLOCK = 1_000  # photos of which the curve keeps the mean
MIB = 2**20
SEED = 20261122

Course = NDArray[np.float64]  # (n,): resident MiB after each photo


def main() -> int:
    return run_benchmark("worker_memory", measure, about=__doc__ or "", arguments=_arguments)


def measure(options: Options, progress: Progress) -> list[Row]:
    """Peak and growth of this process's resident memory."""
    files = [str(path) for path in sorted((faces_folder() / "lfw" / "images").glob("*/*.jpg"))]
    photos = options.photos or (QUICK if options.quick else FULL)
    large = large_photos([Path(file).read_bytes() for file in files[:40]], LARGE, seed=SEED)
    eye = open_bundle(options.bundle)
    curve = None if options.quick else options.results / "worker_memory-curve.json"
    answers = progress.track(
        extract_many(eye, _mixed(files, large, photos), workers=CORES), total=photos, description=options.bundle
    )
    started = time.process_time()
    course = watch(answers, photos, bundle=options.bundle, curve=curve)
    spent = time.process_time() - started
    if curve:
        ends, means = _blocks(course)
        name = {f"{options.bundle}, {photos:,} photos": (ends, means)}
        plots.draw_course(name, curve.with_suffix(".svg"), settled=int(WARM_UP * photos))
    return [
        *rows_of(f"{options.bundle}, {photos:,} photos", course),
        Row(
            measure=f"{options.bundle}: processor time", value=1000 * spent / photos, unit="ms a photo", better="lower"
        ),
    ]


def watch(answers: Iterable[object], photos: int, *, bundle: str, curve: Path | None) -> Course:
    """The resident MiB after each answer; the means so far go into `curve` at the end of every block.

    The room for it is taken beforehand: a list that grows would be measured too, 4 MB over 100,000 photos.
    """
    course = np.full(photos, np.nan)
    for number, _ in enumerate(answers):
        course[number] = _resident_mib()
        if curve and (number + 1) % BLOCK == 0:
            ends, means = _blocks(course[: number + 1])
            kept = {"bundle": bundle, "of_photos": photos, "photos": ends, "mean_mib": means}
            curve.parent.mkdir(parents=True, exist_ok=True)
            curve.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    return course


def rows_of(head: str, course: Course) -> list[Row]:
    """Peak in MiB, and growth after the warm-up and in the second half in percent, of the MiB after each photo (n,)."""
    return [
        Row(measure=f"{head}: peak", value=float(course.max()), unit="MiB", target=1500, better="lower"),
        Row(measure=f"{head}: growth", value=_growth(course, WARM_UP), unit="%", target=1, better="lower"),
        Row(measure=f"{head}: growth in the second half", value=_growth(course, 0.5), unit="%", better="lower"),
    ]


def _growth(course: Course, begin: float) -> float:
    """Percent by which a straight line through what comes after the share `begin` rises."""
    settled = course[int(len(course) * begin) :]
    slope, start = np.polyfit(np.arange(len(settled)), settled, 1)
    return 100 * float(slope) * len(settled) / float(start)


def _blocks(course: Course) -> tuple[list[int], list[float]]:
    """Where whole blocks end, and the mean MiB of each."""
    whole = course[: len(course) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return [BLOCK * (place + 1) for place in range(len(whole))], [round(float(mean), 2) for mean in whole.mean(axis=1)]


def _mixed(files: Sequence[str], large: Sequence[bytes], photos: int) -> Iterator[tuple[int, bytes]]:
    """Names, not paths: a Path remembers its text when it is first opened, which would be measured too."""
    for number in range(photos):
        if number % LARGE_EVERY == 0:
            yield number, large[number // LARGE_EVERY % len(large)]
        else:
            with open(files[number % len(files)], "rb") as stream:
                yield number, stream.read()


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", default="opencv-zoo", metavar="NAME", help="the bundle to measure")
    parser.add_argument("--photos", type=int, default=0, help=f"how many photos; {FULL:,} unless told, or quick")


if __name__ == "__main__":
    sys.exit(main())
