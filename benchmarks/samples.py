"""Pictures of people, as they are and made worse, become samples: a template with its norm and quality. It keeps no
picture.
"""

import hashlib
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.degrading import DEGRADATIONS
from benchmarks.frame import CannotMeasure
from benchmarks.pairs import Pictures
from facematch import images, quality
from facematch.extractor import Extractor
from facematch.types import BgrImage, Box, Detection, Quality

AS_IT_IS = ("", 0)
FEWEST_PEOPLE = 20

Worse = tuple[str, int]  # a degradation and its strength 1..5
Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Seen = tuple[Detection, Quality, NDArray[np.float32], float]
Look = tuple[Worse, Seen | None]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """n samples: from which picture of which person, made worse in which way, and what the bundle made of them.

    `missed` lists the ways in which no face was found any more.
    """

    picture: Places  # (n,)
    person: Places  # (n,)
    worse: Sequence[Worse]
    templates: NDArray[np.float32]  # (n, d), norm 1
    norms: Floats  # (n,)
    qualities: Sequence[Quality]
    missed: Sequence[Worse]

    @property
    def untouched(self) -> NDArray[np.bool_]:
        """(n,): whether a sample is the picture as it is."""
        return np.array([worse == AS_IT_IS for worse in self.worse])

    def worsened_by(self, name: str) -> NDArray[np.bool_]:
        """(n,): whether a sample was made worse in this way."""
        return np.array([worse[0] == name for worse in self.worse])

    def component(self, name: str) -> Floats:
        """(n,) values of a component, -1 where it could not be assessed."""
        return np.array([one.components[name] for one in self.qualities])


def half_of(pictures: Pictures, *, fitting: bool, most: int) -> Pictures:
    """At most so many pictures each of the half of the people that is fitted on, or tested on; only who has several."""
    count, taken = Counter(pictures.people), Counter[str]()
    kept = []
    for path, person in zip(pictures.paths, pictures.people, strict=True):
        inside = (hashlib.sha256(person.encode()).digest()[-1] % 2 == 0) == fitting
        if inside and count[person] > 1 and taken[person] < most:
            taken[person] += 1
            kept.append((path, person))
    if len(taken) < FEWEST_PEOPLE:
        raise CannotMeasure(f"Too few people with several pictures: {len(taken)} of at least {FEWEST_PEOPLE}.")
    return Pictures(tuple(path for path, _ in kept), tuple(person for _, person in kept))


def one_of_all(random: np.random.Generator) -> list[Worse]:
    """The picture as it is, and made worse in one drawn way."""
    names = list(DEGRADATIONS)
    return [AS_IT_IS, (names[random.integers(len(names))], int(random.integers(1, 6)))]


def take_samples(
    extractor: Extractor,
    pictures: Pictures,
    *,
    changes: Callable[[np.random.Generator], Sequence[Worse]],
    progress: Progress,
    budget_s: float | None,
) -> Samples:
    """See each picture in the ways that `changes` lists, as many pictures as the budget of seconds allows (None: all).

    What is drawn depends on the name of the picture alone, so that each bundle sees the same.
    """
    started, seen = time.monotonic(), list[list[Look]]()
    task = progress.add_task(f"looking, {extractor.bundle.name}", total=len(pictures.paths))
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    try:
        for looks in pool.map(lambda path: _looks(extractor, path, changes), pictures.paths):
            seen.append(looks)
            progress.advance(task)
            if budget_s is not None and time.monotonic() - started > budget_s:
                break
    finally:
        pool.shutdown(cancel_futures=True)
    progress.update(task, total=len(seen))
    return _gathered(seen, np.unique(pictures.people, return_inverse=True)[1])


def _looks(extractor: Extractor, path: Path, changes: Callable[[np.random.Generator], Sequence[Worse]]) -> list[Look]:
    """One picture in all its ways; none where no face is found in it as it is."""
    image = images.read(path.read_bytes())
    first = _look(extractor, image)
    if first is None:
        return []
    random = np.random.default_rng(list(hashlib.sha256(path.name.encode()).digest()[:8]))
    looks = list[Look]()
    for worse in changes(random):
        if worse == AS_IT_IS:
            looks.append((worse, first))
            continue
        change, strength = DEGRADATIONS[worse[0]], worse[1]
        looks.append(
            (worse, _look(extractor, change.apply(image, first[0].landmarks, strength=strength, random=random)))
        )
    return looks


def _look(extractor: Extractor, image: BgrImage) -> Seen | None:
    """What the bundle makes of the face nearest to the middle of the picture, or None where it sees none."""
    picture = images.Picture.of(image)
    found = extractor.detections(picture)
    if not found:
        return None
    detection = min(found, key=lambda face: _off_centre(face.box, image))
    crop = extractor.crops(picture, [detection])[0]
    judged = quality.assess(image, detection, crop, faces_in_picture=len(found))
    templates, norms = extractor.embedder.embed_with_norms([crop])
    return detection, judged, templates[0], float(norms[0])


def _off_centre(box: Box, image: BgrImage) -> float:
    return math.hypot(box.x + box.width / 2 - image.shape[1] / 2, box.y + box.height / 2 - image.shape[0] / 2)


def _gathered(looks: Sequence[Sequence[Look]], person_of: Places) -> Samples:
    rows = [(place, worse, seen) for place, ways in enumerate(looks) for worse, seen in ways if seen is not None]
    places = np.array([place for place, _, _ in rows], np.intp)
    _, qualities, templates, norms = zip(*(seen for _, _, seen in rows), strict=True)
    return Samples(
        picture=places,
        person=person_of[places],
        worse=[worse for _, worse, _ in rows],
        templates=np.stack(templates),
        norms=np.array(norms),
        qualities=qualities,
        missed=[worse for ways in looks for worse, seen in ways if seen is None],
    )
