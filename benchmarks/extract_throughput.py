"""Many pictures: how many a second, beside the peer and the bare networks. It never looks at what the faces show."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from rich.progress import Progress

from benchmarks.extract_peers import BATCHES, CORES, Look, feeds_of, gathered, peer_of, replay
from benchmarks.frame import Row
from benchmarks.templates import open_bundle
from facematch import images
from facematch.extractor import Extractor
from facematch.pipeline import Extracted, extract_many

OVER_PEER, OF_LIMIT = 3.0, 0.85
REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

Run = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Load:
    """Pictures to look at, and how often."""

    name: str
    pictures: Sequence[bytes]
    rounds: int


@dataclass(frozen=True, slots=True)
class Peers:
    """The same library twice: one picture after the other on all cores, and a picture a core."""

    name: str
    in_turn: Look
    a_core_each: Sequence[Look]


def throughput_rows(bundle: str, load: Load, *, scratch: Path, progress: Progress) -> list[Row]:
    """Pictures a second of one bundle on one load."""
    eye = open_bundle(bundle)
    peers = _peers(bundle, scratch / load.name)
    faces = _count(eye, load), _all(peers.in_turn, load.pictures)
    runs: dict[str, Run] = {
        "ours": lambda: _count(eye, load),
        "peer": lambda: _all(peers.in_turn, load.pictures),
        "peer, a picture a core": lambda: _a_core_each(peers.a_core_each, load.pictures),
        "decoding alone": lambda: _decode_all(eye, load.pictures),
        **_limits(eye, load.pictures),
    }
    seconds = in_turn(runs, load.rounds, progress=progress, title=f"{bundle}, {load.name}")
    rates = {name: len(load.pictures) / each for name, each in seconds.items()}
    return _rows(f"{bundle}, {load.name}", peers.name, rates, faces)


def in_turn(runs: Mapping[str, Run], rounds: int, *, progress: Progress, title: str) -> dict[str, float]:
    """Median seconds of each, all taken in turn, so that a slow minute of the machine is slow for all."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in progress.track(range(rounds), description=title):
        for name in rotated(list(runs), number):
            seconds[name].append(_seconds(runs[name]))
    return {name: median(each) for name, each in seconds.items()}


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The same names beginning elsewhere: whoever always came after the same neighbour would suffer its leftovers."""
    start = number % len(names)
    return [*names[start:], *names[:start]]


def _rows(head: str, peer: str, rates: Mapping[str, float], faces: tuple[int, int]) -> list[Row]:
    ours, limit = rates["ours"], max(rates[f"limit, {batch}"] for batch in BATCHES)
    with_decoding = 1 / (1 / limit + 1 / rates["decoding alone"])
    return [
        Row(measure=head, value=ours, unit="pictures/s", peer=peer, peer_value=rates["peer"], limit=limit),
        Row(measure=f"{head}: over the peer", value=ours / rates["peer"], unit="times", target=OVER_PEER),
        Row(
            measure=f"{head}: over the peer with a picture a core",
            value=ours / rates["peer, a picture a core"],
            unit="times",
        ),
        Row(measure=f"{head}: share of the limit", value=ours / limit, unit="ratio", target=OF_LIMIT),
        Row(measure=f"{head}: share of the limit with bare decoding", value=ours / with_decoding, unit="ratio"),
        Row(measure=f"{head}: faces found", value=faces[0], unit="faces", peer=peer, peer_value=faces[1]),
    ]


def _peers(bundle: str, folder: Path) -> Peers:
    folder.mkdir()
    alone = [peer_of(bundle, folder / str(core), threads=1)[1] for core in range(CORES)]
    name, in_turn_look = peer_of(bundle, folder / "all", threads=CORES)
    return Peers(name, in_turn_look, alone)


def _count(eye: Extractor, load: Load) -> int:
    answers = extract_many(eye, enumerate(load.pictures), workers=CORES)
    return sum(len(answer.faces) for answer in answers if isinstance(answer, Extracted))


def _a_core_each(looks: Sequence[Look], pictures: Sequence[bytes]) -> None:
    """Every core has a library of its own: OpenCV's classes keep state."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(len(looks)) as pool:
        for core, look in enumerate(looks):
            pool.submit(_all, look, pictures[core :: len(looks)])
    cv2.setNumThreads(threads)


def _all(look: Look, pictures: Sequence[bytes]) -> int:
    return sum(look(data) for data in pictures)


def _decode_all(eye: Extractor, pictures: Sequence[bytes]) -> None:
    """libjpeg alone, at the coarsest scale that leaves the detector its pixels."""

    def decode(data: bytes) -> None:
        cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[eye.sight(images.open_picture(data))])

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(decode, pictures))


def _limits(eye: Extractor, pictures: Sequence[bytes]) -> dict[str, Run]:
    """The bare networks with a picture a core, in each batch size."""
    feeds = feeds_of(eye, pictures)
    return {f"limit, {batch}": partial(replay, gathered(feeds, batch=batch), threads=CORES) for batch in BATCHES}


def _seconds(run: Run) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun
