"""How many faces are found in hard pictures, how well their landmarks lie, and whether their templates still serve.

Pictures of LFW made harder in known ways: turned, tiny on a wall without faces, a crowd of 48 in 12 megapixels, cut by
the border, dark, overexposed, hazy, grey, blurred, noisy, compressed; and with every face wiped out, to count false
ones. Where the face lies is known from FaceAnalysis on the picture as it was, moved as its pixels were. Peer on the
very same pictures: the detector of insightface's FaceAnalysis (SCRFD-500M, one pass of 640, its usual setting).

found: a box meets the known one (overlap of 0.35 or more). recognised: and its template has a cosine of 0.5 or more
with the same face's template in the picture as it was, both through the bundle's own recogniser; so a face whose
landmarks lie upside down is found and not recognised. Targets: never less than the peer less one in a hundred, and
where faces are turned or tiny at most half as many misses. It never tunes a threshold.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks import plots
from benchmarks.degrading import eye_distance
from benchmarks.frame import CannotMeasure, Options, Row, faces_folder, run_benchmark
from benchmarks.pairs import read_people
from benchmarks.scenes import SCENES, Known, Scene, wiped
from benchmarks.templates import open_bundle
from facematch.align import crop_face
from facematch.bundle import default_weights_dir
from facematch.extractor import Extractor
from facematch.types import BgrImage, Landmarks

SEED = 20260301
FULL, QUICK = 120, 12
SAME_PLACE, SAME_FACE = 0.35, 0.5  # overlap of boxes, cosine of templates
PEER = "FaceAnalysis"
HARD = ("turned", "tiny", "group")

Found = tuple[NDArray[np.float64], NDArray[np.float32]]  # boxes (n, 4) as x1 y1 x2 y2, landmarks (n, 5, 2)
Look = Callable[[BgrImage], Found]


@dataclass(slots=True)
class Tally:
    """What one detector did on the pictures of one kind."""

    pictures: int = 0
    known: int = 0
    false: int = 0
    errors: list[float] = field(default_factory=list)  # of the landmarks of found faces, in eye distances
    cosines: list[float] = field(default_factory=list)

    @property
    def found(self) -> float:
        """Share of the known faces whose place was found."""
        return len(self.errors) / max(1, self.known)

    @property
    def recognised(self) -> float:
        """Share of the known faces that were found with a template that serves."""
        return int(np.sum(np.array(self.cosines) >= SAME_FACE)) / max(1, self.known)


Both = tuple[Tally, Tally]  # ours, the peer's


def measure(options: Options, progress: Progress) -> list[Row]:
    """Each kind of scene by each bundle and by the peer, on the same pictures."""
    with TemporaryDirectory() as folder:
        peer = _face_analysis(Path(folder))
        known = _known(peer, options, progress)
        eyes = [open_bundle(name) for name in options.bundle]
        tallies = _tallies(eyes, peer, known, progress)
    rows = [
        row
        for place, name in enumerate(options.bundle)
        for kind, pairs in tallies.items()
        for row in _rows(f"{name}, {kind}", *pairs[place])
    ]
    if not options.quick:
        _draw(options, tallies)
    return rows


def _tallies(
    eyes: Sequence[Extractor], peer: Look, known: Sequence[Known], progress: Progress
) -> dict[str, list[Both]]:
    """Ours and the peer's, by kind of scene, for each bundle."""
    originals = [
        (_templates(eye, known, [_own_landmarks(eye, one) for one in known]), _templates(eye, known, None))
        for eye in eyes
    ]
    tallies = {}
    for kind, (make, crowd) in SCENES.items():
        tallies[kind] = [(Tally(), Tally()) for _ in eyes]
        for start in progress.track(range(0, len(known) - crowd + 1, crowd), description=kind):
            scene = make(known[start : start + crowd], np.random.default_rng(SEED + start))
            theirs = peer(scene.image)
            for eye, both, templates in zip(eyes, tallies[kind], originals, strict=True):
                for found, tally, original in zip((_find(eye, scene.image), theirs), both, templates, strict=True):
                    _count(found, scene, tally, eye=eye, templates=original[start : start + crowd])
    return tallies


def _draw(options: Options, tallies: dict[str, list[Both]]) -> None:
    kinds = [kind for kind, pairs in tallies.items() if pairs[0][0].known]
    shares = {
        name: {
            looker: [tallies[kind][place][side].recognised for kind in kinds]
            for side, looker in enumerate((name, PEER))
        }
        for place, name in enumerate(options.bundle)
    }
    plots.draw_shares(shares, kinds, options.results / "detection-recognised.svg")


def _count(found: Found, scene: Scene, tally: Tally, *, eye: Extractor, templates: NDArray[np.float32]) -> None:
    """Add what one detector found in one scene; a face that meets no known one is a false one."""
    boxes, landmarks = found
    overlaps = np.array([[_overlap(box, place) for place in scene.boxes] for box in boxes])
    overlaps = overlaps.reshape(len(boxes), len(scene.boxes))
    tally.pictures, tally.known = tally.pictures + 1, tally.known + len(scene.who)
    tally.false += int(np.sum(overlaps.max(axis=1, initial=0) < 0.1))
    for place, who in enumerate(scene.who):
        if not len(boxes) or overlaps[:, place].max() < SAME_PLACE:
            continue
        marks, truth = landmarks[overlaps[:, place].argmax()], scene.landmarks[place]
        tally.errors.append(float(np.linalg.norm(marks - truth, axis=1).mean()) / eye_distance(truth))
        template = eye.embed([crop_face(scene.image, marks, eye.bundle.recogniser.alignment)])[0]
        tally.cosines.append(float(template @ templates[who]))


def _rows(what: str, ours: Tally, theirs: Tally) -> list[Row]:
    def row(measure: str, value: float, peer_value: float, unit: str, target: float | None = None) -> Row:
        better: Literal["higher", "lower"] = "higher" if unit == "share" else "lower"
        name = f"{what}: {measure}"
        return Row(measure=name, value=value, unit=unit, peer=PEER, peer_value=peer_value, target=target, better=better)

    false = row("false faces", ours.false / ours.pictures, theirs.false / theirs.pictures, "a picture")
    if not ours.known:
        return [false]
    goal = (1 + theirs.recognised) / 2 if what.partition(", ")[2].startswith(HARD) else theirs.recognised - 0.01
    return [
        row("found", ours.found, theirs.found, "share", theirs.found - 0.01),
        row("recognised", ours.recognised, theirs.recognised, "share", goal),
        row("cosine, median", _median(ours.cosines), _median(theirs.cosines), "share"),
        row("landmark error, median", _median(ours.errors), _median(theirs.errors), "eye distances"),
        false,
    ]


def _known(peer: Look, options: Options, progress: Progress) -> list[Known]:
    """Pictures with the face nearest their centre as the peer sees it, one a person; without those it sees none in."""
    pictures, known, people = read_people(options.faces or faces_folder() / "lfw"), list[Known](), set[str]()
    wanted = options.pictures or (QUICK if options.quick else FULL)
    task = progress.add_task("looking at the pictures as they are", total=wanted)
    for path, person in zip(pictures.paths, pictures.people, strict=True):
        image = cv2.imread(str(path))
        if person in people or image is None or len(known) == wanted:
            continue
        people.add(person)
        boxes, landmarks = peer(np.asarray(image, np.uint8))
        if len(boxes):
            middle = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - np.array(image.shape[1::-1]) / 2).sum(axis=1).argmin()
            bare = wiped(np.asarray(image, np.uint8), boxes)
            known.append(Known(np.asarray(image, np.uint8), landmarks[middle], boxes[middle], bare))
            progress.advance(task)
    return known


def _face_analysis(folder: Path) -> Look:
    try:
        from insightface.app import FaceAnalysis
    except ImportError:
        raise CannotMeasure("Install insightface to compare with it: the locks hold it.") from None
    weights = default_weights_dir() / "buffalo_sc" / "scrfd_500m_bnkps.onnx"
    if not weights.is_file():
        raise CannotMeasure("Fetch the weights first: lighthouse models fetch buffalo_sc")
    (folder / "det_500m.onnx").symlink_to(weights)
    app = FaceAnalysis(str(folder), allowed_modules=["detection"], providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_size=(640, 640))

    def look(image: BgrImage) -> Found:
        boxes, landmarks = app.det_model.detect(image)
        return boxes[:, :4].astype(np.float64), landmarks.astype(np.float32).reshape(-1, 5, 2)

    return look


def _find(eye: Extractor, image: BgrImage) -> Found:
    faces = eye.detector.find(image)
    boxes = [[f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height] for f in faces]
    return np.array(boxes, np.float64).reshape(-1, 4), np.array([f.landmarks for f in faces], np.float32)


def _own_landmarks(eye: Extractor, known: Known) -> Landmarks:
    """The landmarks of the face that meets the known one best; the known ones where none does."""
    boxes, landmarks = _find(eye, known.image)
    overlaps = [_overlap(box, known.box) for box in boxes]
    return landmarks[int(np.argmax(overlaps))] if max(overlaps, default=0) >= SAME_PLACE else known.landmarks


def _templates(eye: Extractor, known: Sequence[Known], marks: Sequence[Landmarks] | None) -> NDArray[np.float32]:
    """Templates of the pictures as they are, by given landmarks or by the known ones."""
    marks, alignment = marks or [one.landmarks for one in known], eye.bundle.recogniser.alignment
    return eye.embed([crop_face(one.image, points, alignment) for one, points in zip(known, marks, strict=True)])


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    common = np.prod(np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0))
    return float(common / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - common))


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def _arguments(parser: argparse.ArgumentParser) -> None:
    bundles = ["opencv-zoo", "buffalo_sc"]
    parser.add_argument("--bundle", nargs="+", default=bundles, metavar="NAME", help="bundles to measure")
    parser.add_argument("--pictures", type=int, default=0, help=f"pictures of each kind (default: {FULL})")
    parser.add_argument("faces", nargs="?", type=Path, help="folder of people (default: LIGHTHOUSE_FACES/lfw)")


if __name__ == "__main__":
    sys.exit(run_benchmark("detection", measure, about=__doc__ or "", arguments=_arguments))
