"""Every picture twice, as it is and made worse, as several models see it. It never keeps a picture.

Pictures of people with several are made worse by WAYS in turn, seeded by their name. Only pictures count in which every
model found the face, so that all models are judged by the same pairs.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.degrading import DEGRADATIONS
from benchmarks.fitting import SEED
from benchmarks.joint import Floats, Pairs, People, between, worth_keeping
from benchmarks.pairs import Pictures
from benchmarks.templates import Embedded, embed, open_bundle
from facematch import images
from facematch.likelihood import Calibration, read_calibration

WAYS = (("downscale", 3), ("blur", 4), ("dark", 4), ("turned", 4), ("tilted", 4))  # and how far
MOST_WORSE = 2000  # pictures
ROWS = 500  # of a table of cosines at a time


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one model saw: the pictures as they are, and the first of them, whose people have several, made worse."""

    name: str
    calibration: Calibration
    clean: Embedded
    worse: Embedded


def look(
    names: Sequence[str], pictures: Pictures, *, shelf: Path, progress: Progress, budget_s: float | None
) -> list[View]:
    """Embed with each bundle, the pictures and the worse ones each within the budget of seconds (None: all)."""
    views = list[View]()
    several = Counter(pictures.people)
    repeated = [path for path, person in zip(pictures.paths, pictures.people, strict=True) if several[person] > 1]
    for name in names:
        extractor = open_bundle(name)
        calibration = read_calibration(extractor.bundle.folder / "calibration.json", contract=extractor.contract)
        clean = embed(extractor, pictures.paths, shelf=shelf, progress=progress, budget_s=budget_s)
        worsen = worsener(pictures, (views[0].clean if views else clean).landmarks)
        seen = repeated[: min(MOST_WORSE, len(clean.found))]
        worse = embed(extractor, seen, shelf=shelf, progress=progress, budget_s=budget_s, read=worsen)
        views.append(View(name, calibration, clean, worse))
    return views


def worsener(pictures: Pictures, landmarks: Floats) -> Callable[[Path], bytes]:
    """What reads a picture and makes it worse, given where its face (k, 5, 2) is; without a face it stays as it is."""
    places = {path: place for place, path in enumerate(pictures.paths)}

    def worsen(path: Path) -> bytes:
        place, data = places[path], path.read_bytes()
        if place >= len(landmarks) or not landmarks[place].any():
            return data
        way, strength = WAYS[place % len(WAYS)]
        seed = hashlib.sha256(f"{path.parent.name}/{path.name}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(seed[:8]))
        worse = DEGRADATIONS[way].apply(images.read(data), landmarks[place], strength=strength, random=random)
        return cv2.imencode(".png", worse, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()

    return worsen


def compare(views: Sequence[View], people: People, *, worse: bool) -> Pairs:
    """Pairs of clean pictures, or of a worse picture and a clean one of another original; easy ones are sampled."""
    kept = _all_found([view.clean for view in views])
    probes = _all_found([view.worse for view in views]) if worse else kept
    random, parts = np.random.default_rng(SEED), list[tuple[Floats, People, People, Floats]]()
    for block in np.array_split(probes, range(ROWS, len(probes), ROWS)):
        said = np.stack([says(view, block, kept, worse=worse) for view in views])
        same = people[block][:, None] == people[kept]
        chosen, share = worth_keeping(said, same, random)
        chosen &= block[:, None] != kept if worse else block[:, None] < kept
        one, other = np.nonzero(chosen)
        parts.append((said[:, one, other], people[block][one], people[kept][other], share[one, other]))
    said, one, other, share = (np.concatenate(column, axis=-1) for column in zip(*parts, strict=True))
    total = int(people.max()) + 1
    pictures = [np.bincount(people[places], minlength=total) for places in (probes, kept)]
    return between(said, one, other, share=share, probes=pictures[0], kept=pictures[1])


def says(view: View, probes: People, kept: People, *, worse: bool) -> Floats:
    """Nominal log10 ratios (q, k) between pictures at these places, the probes as they are or made worse."""
    cosines = (view.worse if worse else view.clean).templates[probes] @ view.clean.templates[kept].T
    return view.calibration.nominal(np.float64(cosines)).astype(np.float32)


def _all_found(seen: Sequence[Embedded]) -> NDArray[np.intp]:
    reach = min(len(one.found) for one in seen)
    return np.flatnonzero(np.all([one.found[:reach] for one in seen], axis=0))
