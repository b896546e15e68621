"""Puts known faces into harder pictures: turned, tiny, in a crowd, cut off, badly lit. It never looks for a face.

Every scene knows where its faces went, because it is made by moving pixels whose place was known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.degrading import DEGRADATIONS, eye_distance
from facematch.types import BgrImage, Landmarks

WALL = 1280  # longer side of a backdrop before it is brought to size

Random = np.random.Generator
Corners = NDArray[np.float64]  # (n, 4): x1 y1 x2 y2


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A picture whose main face is known: landmarks (5, 2), box (4,); `bare` is the picture without its faces."""

    image: BgrImage
    landmarks: Landmarks
    box: Corners
    bare: BgrImage


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture, and of each known face in it: which of the given ones it is, landmarks (n, 5, 2), boxes (n, 4)."""

    image: BgrImage
    who: Sequence[int]
    landmarks: NDArray[np.float32]
    boxes: Corners


Make = Callable[[Sequence[Known], Random], Scene]


def wiped(image: BgrImage, boxes: Corners) -> BgrImage:
    """The picture with what lies in the boxes, and half their size around, painted over from around it."""
    hidden = np.zeros(image.shape[:2], np.uint8)
    for x1, y1, x2, y2 in boxes:
        spare = 0.5 * max(x2 - x1, y2 - y1)
        first, last = (int(x1 - spare), int(y1 - spare)), (int(x2 + spare), int(y2 + spare))
        cv2.rectangle(hidden, first, last, 255, -1)
    return np.asarray(cv2.inpaint(image, hidden, 5, cv2.INPAINT_TELEA), np.uint8)


def moved(known: Known, matrix: NDArray[np.float64], size: tuple[int, int]) -> Scene:
    """The picture after a turn, scale and shift (2, 3) on a canvas (width, height); its border is carried on."""
    scale = float(np.hypot(*matrix[:, 0]))
    image, before = known.image, np.eye(3)
    if scale < 1:  # by area first: a warp alone would pick single pixels
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        before[:2] *= [[known.image.shape[1] / image.shape[1]], [known.image.shape[0] / image.shape[0]]]
    warped = cv2.warpAffine(image, (np.vstack([matrix, [0, 0, 1]]) @ before)[:2], size, borderMode=cv2.BORDER_REPLICATE)
    landmarks = known.landmarks @ matrix[:, :2].T + matrix[:, 2]
    centre = matrix[:, :2] @ (known.box[:2] + known.box[2:]) / 2 + matrix[:, 2]
    half = (known.box[2:] - known.box[:2]) * scale / 2
    box = np.concatenate([centre - half, centre + half])
    return Scene(np.asarray(warped, np.uint8), [0], landmarks[None].astype(np.float32), box[None])


def shrunk_to(eyes_px: float, known: Known) -> float:
    """The factor that leaves so many pixels between the eyes."""
    return eyes_px / eye_distance(known.landmarks)


def _clean(faces: Sequence[Known], _: Random) -> Scene:
    return moved(faces[0], np.eye(3)[:2], faces[0].image.shape[1::-1])


def _turned(degrees: float, faces: Sequence[Known], _: Random) -> Scene:
    height, width = faces[0].image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return moved(faces[0], np.asarray(matrix, np.float64), (width, height))


def _thumbnail(eyes_px: float, faces: Sequence[Known], _: Random) -> Scene:
    factor = shrunk_to(eyes_px, faces[0])
    height, width = (max(1, round(side * factor)) for side in faces[0].image.shape[:2])
    return moved(faces[0], np.eye(3)[:2] * factor, (width, height))


def _cut(side: int, faces: Sequence[Known], random: Random) -> Scene:
    """Cut through the face at 0.35 to 0.5 of its box; side 0 left, 1 top, 2 right, 3 bottom."""
    share = random.uniform(0.35, 0.5)
    (x1, y1, x2, y2), (height, width) = faces[0].box, faces[0].image.shape[:2]
    matrix, size = np.eye(3)[:2], [width, height]
    length = (x2 - x1, y2 - y1)[side % 2]
    if side < 2:
        matrix[side % 2, 2] = -round((x1, y1)[side] + share * length)
        size[side % 2] += int(matrix[side % 2, 2])
    else:
        size[side % 2] = round((x2, y2)[side % 2] - share * length)
    return moved(faces[0], matrix, (max(8, size[0]), max(8, size[1])))


def _lost(size: tuple[int, int], eyes_px: tuple[float, float], faces: Sequence[Known], random: Random) -> Scene:
    """All the faces, small, on a wall without faces, none touching another."""
    width, height = size
    wall = np.asarray(cv2.resize(faces[-1].bare, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    columns = int(np.ceil(np.sqrt(len(faces) * width / height)))
    cell = np.array([width // columns, height // int(np.ceil(len(faces) / columns))])
    scenes = []
    for place, known in enumerate(faces):
        small = _thumbnail(min(random.uniform(*eyes_px), eye_distance(known.landmarks)), [known], random)
        spare = np.maximum(cell - small.image.shape[1::-1], 0)
        x, y = np.array(divmod(place, columns))[::-1] * cell + (random.random(2) * spare).astype(int)
        part = wall[y : y + small.image.shape[0], x : x + small.image.shape[1]]
        part[:] = small.image[: part.shape[0], : part.shape[1]]
        corner = np.array([x, y], np.float32)
        scenes.append(Scene(wall, [place], small.landmarks + corner, small.boxes + np.tile(corner, 2)))
    landmarks = np.concatenate([scene.landmarks for scene in scenes])
    return Scene(wall, range(len(faces)), landmarks, np.concatenate([scene.boxes for scene in scenes]))


def _worse(name: str, strength: int, faces: Sequence[Known], random: Random) -> Scene:
    image = DEGRADATIONS[name].apply(faces[0].image, faces[0].landmarks, strength=strength, random=random)
    return Scene(image, [0], faces[0].landmarks[None], faces[0].box[None])


def _grey(faces: Sequence[Known], _: Random) -> Scene:
    grey = cv2.cvtColor(cv2.cvtColor(faces[0].image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return Scene(np.asarray(grey, np.uint8), [0], faces[0].landmarks[None], faces[0].box[None])


def _nobody(faces: Sequence[Known], _: Random) -> Scene:
    return Scene(faces[0].bare, [], np.zeros((0, 5, 2), np.float32), np.zeros((0, 4)))


GROUP = 48
SCENES: Mapping[str, tuple[Make, int]] = {  # what is made, and of how many known faces
    "clean": (_clean, 1),
    **{f"turned {degrees}°": (partial(_turned, degrees), 1) for degrees in (20, 45, 90, 135, 180, 270)},
    "tiny, 10 px eyes, 1.2 MP": (partial(_lost, (1280, 960), (10, 10)), 4),
    "tiny, 14 px eyes, 12 MP": (partial(_lost, (4000, 3000), (14, 14)), 4),
    "group of 48, 12 MP": (partial(_lost, (4000, 3000), (14, 44)), GROUP),
    "thumbnail, 8 px eyes": (partial(_thumbnail, 8), 1),
    **{f"cut {name}": (partial(_cut, side), 1) for side, name in enumerate(("left", "top", "right", "bottom"))},
    "dark": (partial(_worse, "dark", 5), 1),
    "overexposed": (partial(_worse, "bright", 4), 1),
    "hazy": (partial(_worse, "haze", 5), 1),
    "grey": (_grey, 1),
    "blur": (partial(_worse, "blur", 4), 1),
    "noise": (partial(_worse, "noise", 4), 1),
    "jpeg": (partial(_worse, "jpeg", 4), 1),
    "nobody": (_nobody, 1),
}
