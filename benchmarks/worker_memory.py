"""What a worker's memory does while it looks at photo after photo: the highest, and how much it still grows.

LFW over and over, one photo of a hundred one of twelve megapixels, a picture a core, on the way that the import and the
worker take. The first tenth is warming up: arenas and threads take what they need. Growth is the slope of the rest as a
share of where it began. 100,000 photos take half an hour on two cores.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.extract_peers import CORES
from benchmarks.extract_photos import large_photos
from benchmarks.frame import Options, Row, faces_folder, run_benchmark
from benchmarks.templates import open_bundle
from facematch.pipeline import extract_many

FULL, QUICK = 100_000, 500
WARM_UP = 0.1
LARGE, LARGE_EVERY = 8, 100
MIB = 2**20
SEED = 20261122


def main() -> int:
    return run_benchmark("worker_memory", measure, about=__doc__ or "", arguments=_arguments)


def measure(options: Options, progress: Progress) -> list[Row]:
    """Peak and growth of this process's resident memory."""
    paths = sorted((faces_folder() / "lfw" / "images").glob("*/*.jpg"))
    photos = options.photos or (QUICK if options.quick else FULL)
    large = large_photos([path.read_bytes() for path in paths[:40]], LARGE, seed=SEED)
    eye = open_bundle(options.bundle)
    answers = extract_many(eye, _mixed(paths, large, photos), workers=CORES)
    course = np.array([_resident_mib() for _ in progress.track(answers, total=photos, description=options.bundle)])
    return rows_of(f"{options.bundle}, {photos:,} photos", course)


def rows_of(head: str, course: NDArray[np.float64]) -> list[Row]:
    """Peak in MiB, and growth after the warm-up in percent, of the resident MiB after each photo (n,)."""
    settled = course[int(len(course) * WARM_UP) :]
    slope, start = np.polyfit(np.arange(len(settled)), settled, 1)
    growth = 100 * float(slope) * len(settled) / float(start)
    return [
        Row(measure=f"{head}: peak", value=float(course.max()), unit="MiB", target=1500, better="lower"),
        Row(measure=f"{head}: growth", value=growth, unit="%", target=1, better="lower"),
    ]


def _mixed(paths: Sequence[Path], large: Sequence[bytes], photos: int) -> Iterator[tuple[int, bytes]]:
    for number in range(photos):
        if number % LARGE_EVERY == 0:
            yield number, large[number // LARGE_EVERY % len(large)]
        else:
            yield number, paths[number % len(paths)].read_bytes()


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", default="opencv-zoo", metavar="NAME", help="the bundle to measure")
    parser.add_argument("--photos", type=int, default=0, help=f"how many photos; {FULL:,} unless told, or quick")


if __name__ == "__main__":
    sys.exit(main())
