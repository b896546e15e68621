"""One picture at a time on all cores: how long until its faces have templates. It never asks an index."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.extract_peers import CORES, feeds_of, peer_of, replay
from benchmarks.extract_throughput import Load, rotated
from benchmarks.frame import Row
from facematch.bundle import default_models_dir, default_weights_dir
from facematch.extractor import open_extractor

PROBES = 20  # of a load, at most
PAUSE_S = 0.03  # after each, so that the threads of one contender do not spin into the time of the next
OVER_PEER, OVER_LIMIT = 0.6, 1.2


def latency_rows(bundle: str, load: Load, *, scratch: Path, progress: Progress) -> list[Row]:
    """Median and 95th percentile of one bundle on one load."""
    eye = open_extractor(bundle, models_dir=default_models_dir(), weights_dir=default_weights_dir(), threads=0)
    cv2.setNumThreads(CORES)
    name, peer = peer_of(bundle, scratch / f"{load.name}, one", threads=CORES)
    seconds: dict[str, list[float]] = {"ours": [], "peer": [], "limit": []}
    probes = load.pictures[:PROBES]
    every = feeds_of(eye, probes)
    for number in progress.track(range(load.rounds), description=f"{bundle}, one of {load.name}"):
        for place, (data, fed) in enumerate(zip(probes, every, strict=True)):
            calls: dict[str, Callable[[], object]] = {"ours": partial(eye.faces_in, data), "peer": partial(peer, data)}
            calls["limit"] = partial(replay, [fed], threads=1)
            for who in rotated(list(calls), number + place):
                seconds[who].append(_timed(calls[who]))
    return _rows(f"{bundle}, one of {load.name}", name, {who: 1000 * np.array(each) for who, each in seconds.items()})


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    took = time.perf_counter() - begun
    time.sleep(PAUSE_S)
    return took


def _rows(head: str, peer: str, ms: Mapping[str, NDArray[np.float64]]) -> list[Row]:
    rows = []
    for percent in (50, 95):
        ours, theirs, limit = (float(np.percentile(ms[who], percent)) for who in ("ours", "peer", "limit"))
        measure = f"{head}: p{percent}"
        rows.append(
            Row(measure=measure, value=ours, unit="ms", peer=peer, peer_value=theirs, limit=limit, better="lower")
        )
    p50 = {who: float(np.median(each)) for who, each in ms.items()}
    over = {"the peer": (p50["ours"] / p50["peer"], OVER_PEER), "the limit": (p50["ours"] / p50["limit"], OVER_LIMIT)}
    for whom, (ratio, target) in over.items():
        rows.append(Row(measure=f"{head}: p50 over {whom}", value=ratio, unit="times", target=target, better="lower"))
    return rows
