"""Pictures of one person each become templates, each picture once. It never keeps a picture or a crop."""

import time
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.frame import CannotMeasure
from facematch.bundle import default_models_dir, default_weights_dir
from facematch.errors import BundleError, ImageRefused
from facematch.extractor import Extractor, open_extractor
from facematch.types import BgrImage, Face

QUICK_BUDGET_S = 28.0  # leaves a quick run the rest of its 50 s for imports, loading and arithmetic


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Templates (k, d), norm 1, and eye distances (k,) in pixels, of the first k pictures; zeros where no face is."""

    templates: NDArray[np.float32]
    eye_px: NDArray[np.float64]

    @property
    def found(self) -> NDArray[np.bool_]:
        """(k,): whether a face was found."""
        return self.eye_px > 0


def bundle_arguments(parser: ArgumentParser) -> None:
    """The option that chooses bundles."""
    parser.add_argument("--bundle", nargs="+", default=["opencv-zoo"], metavar="NAME", help="bundles to measure")


def open_bundle(name: str) -> Extractor:
    """An extractor on the CPU; CannotMeasure when its weights are not there."""
    try:
        return open_extractor(name, models_dir=default_models_dir(), weights_dir=default_weights_dir())
    except BundleError as refusal:
        raise CannotMeasure(f"Fetch the weights first: lighthouse models fetch {name} ({refusal.code})") from refusal


def embed(extractor: Extractor, paths: Sequence[Path], *, progress: Progress, budget_s: float | None) -> Embedded:
    """Embed the pictures in order, as many as the budget of seconds allows (None: all).

    Where a picture shows several faces, the one nearest its centre counts: the collections measured here put the person
    they name there.
    """
    started, found = time.monotonic(), list[tuple[NDArray[np.float32], float] | None]()
    task = progress.add_task(f"embedding, {extractor.contract[:8]}", total=len(paths))
    for path in paths:
        if budget_s is not None and time.monotonic() - started > budget_s:
            break
        found.append(_central_template(extractor, path.read_bytes()))
        progress.advance(task)
    progress.update(task, total=len(found))
    dimension = next((len(entry[0]) for entry in found if entry), 1)
    nothing = (np.zeros(dimension, np.float32), 0.0)
    templates, eyes = zip(*(entry or nothing for entry in found), strict=True)
    return Embedded(np.stack(templates), np.array(eyes))


def most_central(faces: Sequence[Face], image: BgrImage) -> Face:
    """The face whose box is centred nearest to the centre of the picture."""
    height, width = image.shape[:2]

    def distance(face: Face) -> float:
        box = face.detection.box
        return float(np.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2))

    return min(faces, key=distance)


def _central_template(extractor: Extractor, data: bytes) -> tuple[NDArray[np.float32], float] | None:
    try:
        image, faces = extractor.faces_in(data)
    except ImageRefused:
        return None
    if not faces:
        return None
    face = most_central(faces, image)
    left, right = face.detection.landmarks[:2]
    return face.template, float(np.linalg.norm(left - right))
