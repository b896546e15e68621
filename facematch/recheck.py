"""A second look at faces already found: each by itself, upright and large. It never adds a face."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facematch.candidates import Candidates
from facematch.families import View
from facematch.looks import Looker
from facematch.types import BgrImage, Landmarks

NEAR = 0.35  # of the face, between its middle and the middle of the look: what lies farther off is another face
CLOSE = 0.05  # of the face, to the border of the picture: then it may be cut off
USUAL = 0.03  # by so much must a look the other way up be surer
POLISHES = 3  # further looks at most, each upright by what the one before saw
TURNS = range(45, 360, 45)  # degrees


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What one look at one face saw: the face (n = 1) in the picture, and the degrees it was still turned by."""

    face: Candidates
    still: float

    @property
    def confidence(self) -> float:
        """How sure the look was of a face."""
        return float(self.face.confidence[0])

    @property
    def likely(self) -> float:
        """The confidence, and a little more where the face stands upright in the picture, as most do."""
        return self.confidence + (USUAL if abs(roll_of(self.face.landmarks[0])) <= 45 else 0)


def roll_of(landmarks: Landmarks) -> float:
    """Degrees, -180..180, by which the line from the viewer's left eye to the right one is turned clockwise."""
    right, down = landmarks[1] - landmarks[0]
    return float(np.degrees(np.arctan2(down, right)))


def look_again(looker: Looker, image: BgrImage, face: Candidates, *, doubtful: bool) -> Candidates | None:
    """One face (n = 1) looked at turned back by its roll, and where it is still `doubtful` at a glance all ways.

    What was seen best is looked at once more while it is turned, unless it is cut off. None where no look is sure.
    """
    roll, cut_off = roll_of(face.landmarks[0]), _cut_off(image, face)
    view = looker.family.cut_off if cut_off else looker.family.portrait
    best = plain = _look_upright(looker, image, face, roll, view)
    if doubtful and (best is None or best.confidence < looker.family.sure):
        glances = {turn: _look_upright(looker, image, face, roll + turn, looker.family.glance) for turn in TURNS}
        seen = {turn: glimpse.likely for turn, glimpse in glances.items() if glimpse}
        other = _look_upright(looker, image, face, roll + max(seen, key=seen.__getitem__), view) if seen else None
        best = max((glimpse for glimpse in (plain, other) if glimpse), key=lambda glimpse: glimpse.likely, default=None)
        if cut_off and (other is None or other.confidence < looker.family.rescued):
            whole = _look_upright(looker, image, face, roll, view, mirrored=True)
            if whole and whole.confidence >= looker.family.rescued:  # a face, though its landmarks are half invented
                return replace(plain.face if plain else face, confidence=whole.face.confidence)
    for _ in range(POLISHES):
        if best is None or abs(best.still) < looker.family.turned or cut_off:  # half a face does not tell its roll
            break
        best = _look_upright(looker, image, best.face, roll_of(best.face.landmarks[0]), view) or best
    return best.face if best else None


def glance_at(looker: Looker, image: BgrImage, face: Candidates) -> Candidates | None:
    """One face (n = 1) looked at small and turned back by its roll; None where the glance is not sure of a face.

    Where light has burnt the skin away, there is more of a face in a small one: blank cheeks are smaller there.
    """
    glimpse = _look_upright(looker, image, face, roll_of(face.landmarks[0]), looker.family.glance)
    return glimpse.face if glimpse else None


def _cut_off(image: BgrImage, face: Candidates) -> bool:
    """Whether the border of the picture runs along or through the face."""
    height, width = image.shape[:2]
    (left, top, right, bottom), near = face.corners[0], CLOSE * float(face.corners[0, 3] - face.corners[0, 1])
    return bool(min(left, top, width - right, height - bottom) < near)


def _look_upright(
    looker: Looker, image: BgrImage, face: Candidates, degrees: float, view: View, *, mirrored: bool = False
) -> Glimpse | None:
    side, length = view
    beyond = cv2.BORDER_REFLECT if mirrored else cv2.BORDER_REPLICATE
    canvas, back = _alone(image, face, degrees, side=side, face_px=length, beyond=beyond)
    seen = looker.look(canvas, side)
    middle = side / 2
    near = np.flatnonzero(np.linalg.norm(seen.centres - middle, axis=1) < NEAR * length)
    if not near.size:
        return None
    best = seen.take(near[[np.argmax(seen.confidence[near])]])
    return Glimpse(best.placed(back), still=roll_of(best.landmarks[0]))


def _alone(
    image: BgrImage, face: Candidates, degrees: float, *, side: int, face_px: float, beyond: int
) -> tuple[BgrImage, NDArray[np.float64]]:
    """A square of the picture around a face, turned back by so many degrees, and the matrix that leads points back.

    Shrunk by area first, since a turn picks single pixels; `beyond` the picture its border is carried on or mirrored.
    """
    part, corner, factor = _part(image, face, reach=side / face_px, face_px=face_px)
    middle = (face.centres[0] - corner) * factor
    scale = face_px / (float(np.max(face.corners[0, 2:] - face.corners[0, :2])) * factor)
    turn = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), degrees, scale)
    matrix = np.asarray(turn, dtype=np.float64)
    matrix[:, 2] += side / 2 - middle
    canvas = warped(part, matrix, side, beyond=beyond)
    back = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64) / factor
    return canvas, back + np.column_stack([np.zeros((2, 2)), corner])


def warped(part: BgrImage, matrix: NDArray[np.float64], side: int, *, beyond: int) -> BgrImage:
    """A square of the picture after a turn, scale and shift; through four channels, for which OpenCV takes half the
    time of three and gives the same pixels.
    """
    four = cv2.cvtColor(part, cv2.COLOR_BGR2BGRA)
    canvas = cv2.warpAffine(four, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=beyond)
    return np.asarray(cv2.cvtColor(canvas, cv2.COLOR_BGRA2BGR), dtype=np.uint8)


def _part(
    image: BgrImage, face: Candidates, *, reach: float, face_px: float
) -> tuple[BgrImage, NDArray[np.float64], float]:
    """The picture around a face, `reach` times its length to each side at least half the diagonal; corner; factor."""
    length = float(np.max(face.corners[0, 2:] - face.corners[0, :2]))
    half = 0.75 * reach * length
    low = np.clip(np.floor(face.centres[0] - half), 0, None).astype(int)
    high = np.ceil(face.centres[0] + half).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    factor = min(1.0, face_px / length)
    if factor < 1:
        part = np.asarray(cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return part, low.astype(np.float64), factor
