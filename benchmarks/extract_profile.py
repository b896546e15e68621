"""Where the time of a picture goes, stage by stage on one core. It never compares."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import TypeVar

from benchmarks.extract_peers import feeds_of, replay
from benchmarks.extract_throughput import Load
from benchmarks.frame import Row
from benchmarks.templates import open_bundle
from facematch import images
from facematch.extractor import Extractor

ROUNDS = 3

Answer = TypeVar("Answer")


def profile_rows(bundle: str, load: Load) -> list[Row]:
    """Milliseconds a picture: the mean over the pictures, of that the median over the rounds."""
    eye = open_bundle(bundle)
    rounds = [_stages(eye, load.pictures) for _ in range(ROUNDS)]
    stages = {stage: median(one[stage] for one in rounds) for stage in rounds[0]}
    return [
        Row(measure=f"profile of {bundle}, {load.name}: {stage}", value=1000 * seconds / len(load.pictures), unit="ms")
        for stage, seconds in stages.items()
    ]


def _stages(eye: Extractor, pictures: Sequence[bytes]) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)

    def timed(stage: str, call: Callable[[], Answer]) -> Answer:
        begun = time.perf_counter()
        answer = call()
        spent[stage] += time.perf_counter() - begun
        return answer

    for data in pictures:
        picture = timed("decoding for the detector", partial(_decoded, eye, data))
        found = timed("finding faces", partial(eye.detections, picture))
        crops = timed("cropping, with finer decoding", partial(eye.crops, picture, found))
        timed("embedding", partial(eye.embed, crops))
        timed("the whole", partial(eye.faces_in, data))
    feeds = feeds_of(eye, pictures)
    timed("the networks alone", partial(replay, feeds, threads=1))
    parts = ("decoding for the detector", "finding faces", "cropping, with finer decoding", "embedding")
    spent["quality and the rest"] = spent["the whole"] - sum(spent[part] for part in parts)
    return spent


def _decoded(eye: Extractor, data: bytes) -> images.Picture:
    picture = images.open_picture(data)
    picture.view(eye.sight(picture))
    return picture
