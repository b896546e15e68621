"""Pictures of one person each become templates, each picture once. It never keeps a picture or a crop.

Templates are kept on a shelf in the user's cache, so that a run that broke off goes on where it was, and the next
benchmark on the same pictures need not embed them again.
"""

import os
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.frame import CannotMeasure
from benchmarks.shelf import Seen, Shelf
from facematch.bundle import default_models_dir, default_weights_dir
from facematch.errors import BundleError
from facematch.extractor import Extractor, open_extractor
from facematch.pipeline import Extracted, Refused, extract_many
from facematch.types import Face

QUICK_BUDGET_S = 28.0  # leaves a quick run the rest of its 50 s for imports, loading and arithmetic
SHELVES = Path.home() / ".cache" / "lighthouse" / "benchmarks"
AT_ONCE = 128  # pictures in memory

Open = Callable[[Path], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Templates (k, d), norm 1, and landmarks (k, 5, 2) of the face, of the first k pictures; zeros where none is."""

    templates: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    @property
    def eye_px(self) -> NDArray[np.float64]:
        """(k,): pixels between the eyes."""
        distances: NDArray[np.float64] = np.linalg.norm(self.landmarks[:, 0] - self.landmarks[:, 1], axis=1)
        return distances.astype(np.float64)

    @property
    def found(self) -> NDArray[np.bool_]:
        """(k,): whether a face was found."""
        return self.eye_px > 0


def bundle_arguments(parser: ArgumentParser) -> None:
    """The options that choose bundles, and where their templates are kept."""
    parser.add_argument("--bundle", nargs="+", default=["opencv-zoo"], metavar="NAME", help="bundles to measure")
    shelf_argument(parser)


def shelf_argument(parser: ArgumentParser) -> None:
    """The option that says where templates are kept between runs."""
    parser.add_argument("--shelf", type=Path, default=SHELVES, metavar="FOLDER", help="where templates are kept")


def open_bundle(name: str) -> Extractor:
    """An extractor on the CPU, one thread a picture; CannotMeasure when its weights are not there."""
    try:
        return open_extractor(name, models_dir=default_models_dir(), weights_dir=default_weights_dir(), threads=1)
    except BundleError as refusal:
        raise CannotMeasure(f"Fetch the weights first: lighthouse models fetch {name} ({refusal.code})") from refusal


def embed(
    extractor: Extractor,
    paths: Sequence[Path],
    *,
    shelf: Path,
    progress: Progress,
    budget_s: float | None,
    read: Open = Path.read_bytes,
) -> Embedded:
    """Embed the pictures in order, as many as the budget of seconds allows (None: all).

    Where a picture shows several faces, the one nearest its centre counts: the collections measured here put the person
    they name there. `read` turns a path into the bytes that are looked at.
    """
    known, started = Shelf(shelf, extractor), time.monotonic()
    task = progress.add_task(f"embedding, {extractor.bundle.name}", total=len(paths))
    seen = list[Seen]()
    for start in range(0, len(paths), AT_ONCE):
        if budget_s is not None and time.monotonic() - started > budget_s:
            break
        seen += _look(extractor, [read(path) for path in paths[start : start + AT_ONCE]], known)
        progress.update(task, completed=len(seen))
    known.close()
    progress.update(task, total=len(seen))
    templates, landmarks = zip(*seen, strict=True)
    return Embedded(np.stack(templates), np.stack(landmarks))


def most_central(faces: Sequence[Face], *, width: int, height: int) -> Face:
    """The face whose box is centred nearest to the centre of a picture of this size in pixels."""

    def distance(face: Face) -> float:
        box = face.detection.box
        return float(np.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2))

    return min(faces, key=distance)


def _look(extractor: Extractor, pictures: Sequence[bytes], shelf: Shelf) -> list[Seen]:
    """Template and landmarks for each picture, from the shelf where it is known there."""
    new = ((data, data) for data in pictures if data not in shelf)
    for answer in extract_many(extractor, new, workers=len(os.sched_getaffinity(0))):
        shelf.put(answer.key, _central(answer, extractor))
    return [shelf[data] for data in pictures]


def _central(answer: Extracted[bytes] | Refused[bytes], extractor: Extractor) -> Seen:
    if isinstance(answer, Refused) or not answer.faces:
        return np.zeros(extractor.dimension, np.float32), np.zeros((5, 2), np.float32)
    face = most_central(answer.faces, width=answer.width, height=answer.height)
    return face.templates[extractor.contract], face.detection.landmarks
