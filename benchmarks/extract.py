"""How fast pictures become templates: many pictures and one, small and of twelve megapixels, and what it takes.

Side by side in one run, in turn, the medians of all rounds: ours; the library that reads the same published weights
(insightface FaceAnalysis with one pass of 640 for buffalo_sc, OpenCV's FaceDetectorYN and FaceRecognizerSF for
opencv-zoo), one picture after the other on all cores, as it is used; the same library with a picture a core; and the
limit: onnxruntime alone on the arrays that our path fed to its networks, a picture a core, in the better of two batch
sizes, without decoding, cropping or quality. A share of the limit above 1 means that something else disturbed the run.

Small pictures: LFW, where LIGHTHOUSE_FACES is set. Large ones are made from them (benchmarks/extract_photos.py);
OpenCV's pair sees those brought down to 1,280 pixels, or it would miss their large faces. Where a target is missed,
rows named "profile" say where the time goes: milliseconds a picture on one core. What a worker's memory does over many
photos is measured by benchmarks.worker_memory.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import Progress

from benchmarks.extract_latency import latency_rows
from benchmarks.extract_photos import large_photos
from benchmarks.extract_profile import profile_rows
from benchmarks.extract_throughput import Load, throughput_rows
from benchmarks.frame import Options, Row, faces_folder, run_benchmark

SEED = 20261122
BUNDLES = ("opencv-zoo", "buffalo_sc")
PARTS = ("throughput", "latency")
ROUNDS, QUICK_ROUNDS = 5, 3
FULL, QUICK = 60, 24  # small pictures
LARGE, QUICK_LARGE = 8, 4


def main() -> int:
    return run_benchmark("extract", measure, about=__doc__ or "", arguments=_arguments)


def measure(options: Options, progress: Progress) -> list[Row]:
    """The rows of every bundle that was asked for."""
    people = [path.read_bytes() for path in _drawn(faces_folder() / "lfw" / "images", FULL)]
    small, count = (people[:QUICK], QUICK_LARGE) if options.quick else (people, LARGE)
    large = large_photos(people[:40], count, seed=SEED)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    loads = [Load("LFW", small, rounds), Load("12-megapixel photos", large, rounds)]
    rows: list[Row] = []
    for bundle in options.bundle:
        with tempfile.TemporaryDirectory() as scratch:
            rows += _of_bundle(bundle, loads, options.part, scratch=Path(scratch), progress=progress)
    return rows


def _of_bundle(
    bundle: str, loads: Sequence[Load], parts: Sequence[str], *, scratch: Path, progress: Progress
) -> list[Row]:
    rows: list[Row] = []
    for load in loads:
        measured: list[Row] = []
        if "throughput" in parts:
            measured += throughput_rows(bundle, load, scratch=scratch, progress=progress)
        if "latency" in parts:
            measured += latency_rows(bundle, load, scratch=scratch, progress=progress)
        if any(row.ok is False for row in measured):
            measured += profile_rows(bundle, load)
        rows += measured
    return rows


def _drawn(folder: Path, count: int) -> list[Path]:
    paths = sorted(folder.glob("*/*.jpg"))
    return [paths[place] for place in np.random.default_rng(SEED).permutation(len(paths))[:count]]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bundle", nargs="+", default=list(BUNDLES), choices=BUNDLES, help="bundles to measure")
    parser.add_argument("--part", nargs="+", default=list(PARTS), choices=PARTS, help="what to measure")


if __name__ == "__main__":
    sys.exit(main())
