"""Finds faces: decides where and how to look, and when to stop. It never decides whose face counts.

Landmarks come as the viewer sees them: left eye, right eye, nose, left mouth corner, right mouth corner.

1. A coarse pass over the whole picture, and a fine one where the picture has more pixels than the coarse one uses.
   Neither enlarges a picture to find specks: a face needs some ten pixels between the eyes for a template.
2. Where nothing is found: wider borders, turned by quarters, and with its light evened out.
3. Closer, in tiles, where a pass had a hint of something small, and everywhere where there is still no face.
4. A second look at each face that may be turned, upright, by itself.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeGuard

from facematch.bundle import DetectorSection
from facematch.candidates import SMALL_FACE, Candidates, Floats, joined
from facematch.engine import Network
from facematch.looks import HINT, Looker, enlarged, not_too_large, shrunk
from facematch.recheck import glance_at, look_again, roll_of
from facematch.relight import in_other_lights, turned, widened
from facematch.tiles import look_closer
from facematch.types import BgrImage, Detection

ENOUGH = 1.25  # a pass uses a picture up to so many times its side well enough
STEP = 128  # pixels: sides of fine passes are multiples of it, so that few shapes occur
ZOOMS = (2.5, 6.25)  # sides of tiled looks in fine passes: 1,600 and 4,000 pixels, at most 64 tiles
DOUBTED, SECOND_CHANCES = 0.3, 4  # confidence and number of those below the bundle's that are looked at alone
SECOND_LOOKS = 100  # faces of one picture; in a crowd the surest
UPRIGHT = 60.0  # degrees of roll beyond which hardly anybody is photographed upright
EVERYWHERE = None


class Detector(Protocol):
    """Whatever finds faces in one picture."""

    def find(self, image: BgrImage, *, closer: Callable[[], BgrImage] | None = None) -> list[Detection]:
        """Faces of an upright image (H, W, 3), surest first; coordinates are pixels of that image.

        An image as large as the bundle's finest pass is enough for what most pictures need. `closer` gives the same
        picture with all its pixels; it is called only where something small may hide, or where there is no face.
        """
        ...


def open_detector(section: DetectorSection, session: Network) -> Detector:
    """The detector of a bundle on a loaded network."""
    return PatientDetector(Looker(section, session))


class PatientDetector:
    """A detector that looks once where once is enough, and again where a face may be turned, tiny, cut off or dark."""

    def __init__(self, looker: Looker) -> None:
        self.looker = looker
        self.coarse, self.fine = looker.section.sides[0], looker.section.sides[-1]

    def find(self, image: BgrImage, *, closer: Callable[[], BgrImage] | None = None) -> list[Detection]:
        """Faces of an upright image (H, W, 3), surest first; coordinates are pixels of that image."""
        passes = self._passes(image, sides=self._sides(image))
        faces = self._faces(joined(passes))
        rescued = self._made_sure(image, joined(passes))
        if not len(faces) and not len(rescued):
            rescued = self._second_chances(image)
        spots = _spots(passes[-1]) if len(faces) or len(rescued) else EVERYWHERE
        whole, scale = image, 1.0
        if spots is EVERYWHERE or len(spots):
            whole = closer() if closer else image
            scale = max(whole.shape[:2]) / max(image.shape[:2])
            faces = self._closer(whole, faces.scaled(scale), spots if spots is EVERYWHERE else spots * scale)
        found = joined([rescued, self._upright(whole, faces).scaled(1 / scale)])
        return self.looker.united(joined([found, self._turned_alike(image, found)])).detections()

    def _sides(self, image: BgrImage) -> list[int]:
        """The passes a picture is worth, coarse first."""
        longest = max(image.shape[:2])
        return [self.coarse] if longest <= ENOUGH * self.coarse else [self.coarse, min(self.fine, _rounded_up(longest))]

    def _passes(self, image: BgrImage, *, sides: Sequence[int]) -> list[Candidates]:
        """The whole picture at each side, each face once and hints among them."""
        seen = [self.looker.look(image, side, confidence=HINT) for side in sides]
        return [self.looker.merged(one) for one in (seen[0], *map(not_too_large, seen[1:]))]

    def _made_sure(self, image: BgrImage, seen: Candidates) -> Candidates:
        """Those that a pass doubted and a look at them alone does not."""
        likely = self.looker.merged(seen.take((seen.confidence >= DOUBTED) & (seen.seen_px >= SMALL_FACE)))
        sure = likely.confidence >= self.looker.section.confidence
        parts = likely.within(likely.take(sure))  # an eye, a mouth, half of a face that another pass saw whole
        doubted = likely.take(~sure & ~parts).first(SECOND_CHANCES)
        return self._confirmed(image, doubted)

    def _confirmed(self, image: BgrImage, doubted: Candidates) -> Candidates:
        looked = [look_again(self.looker, image, face, doubtful=True) for face in doubted.singly()]
        return joined([face for face in looked if self._is_rescued(face)])

    def _confirmed_at_any_size(self, image: BgrImage, doubted: Candidates) -> Candidates:
        """Those that a look at them alone, large or small, does not doubt."""
        found = self._confirmed(image, doubted)
        missed = doubted.take(~doubted.within(found))
        glanced = [glance_at(self.looker, image, face) for face in missed.singly()]
        return joined([found, *filter(self._is_rescued, glanced)])

    def _is_rescued(self, face: Candidates | None) -> TypeGuard[Candidates]:
        return face is not None and bool(face.confidence[0] >= self.looker.family.rescued)

    def _second_chances(self, image: BgrImage) -> Candidates:
        """What a picture without faces shows enlarged, once its border, its light or its upper side is changed."""
        small = shrunk(image, self.fine)
        for lighter in in_other_lights(small):
            picture = enlarged(lighter, self.fine)
            views = [self._turned(picture, quarters) for quarters in range(4)]
            found = self._confirmed_at_any_size(picture, self._faces(joined(views)))
            if len(found):
                return self.looker.merged(found).scaled(max(image.shape[:2]) / max(picture.shape[:2]))
        return joined([])

    def _turned_alike(self, image: BgrImage, found: Candidates) -> Candidates:
        """Faces that show when the picture is turned as one of its faces is: then all of it may be."""
        quarters = {round(roll_of(face.landmarks[0]) / 90) % 4 for face in found.singly()} - {0}
        if not quarters:  # nearly always, and bringing down a large picture costs as much as a look at it
            return joined([])
        small = shrunk(image, self.fine)
        seen = self._faces(joined([self._turned(small, quarter) for quarter in sorted(quarters)]))
        return self._upright(image, seen.scaled(max(image.shape[:2]) / max(small.shape[:2])))

    def _turned(self, picture: BgrImage, quarters: int) -> Candidates:
        wide, margin = widened(picture)
        view, back = turned(wide, quarters)
        seen = joined(self._passes(view, sides=(self.coarse, self.fine)))
        return seen.placed(back).moved(-margin, -margin)

    def _closer(self, image: BgrImage, faces: Candidates, spots: Floats | None) -> Candidates:
        """The faces, and those of ever closer looks at the spots (None: everywhere) while something small shows."""
        longest = max(image.shape[:2])
        reached = min(self.fine, longest)
        for zoom in ZOOMS:
            side = min(round(zoom * self.fine), longest)
            if side <= ENOUGH * reached or (spots is not EVERYWHERE and not len(spots)):
                break
            sharper = look_closer(self.looker, image, side, tile=self.fine, spots=spots)
            faces, reached = self._faces(joined([faces, sharper])), side
            if spots is not EVERYWHERE or len(faces):
                spots = _spots(self.looker.merged(sharper))
        return faces

    def _upright(self, image: BgrImage, faces: Candidates) -> Candidates:
        """The same faces, those that may be turned looked at once more by themselves."""
        return joined(
            [self._second_look(image, face, tired=n >= SECOND_LOOKS) for n, face in enumerate(faces.singly())]
        )

    def _second_look(self, image: BgrImage, face: Candidates, *, tired: bool) -> Candidates:
        family, roll = self.looker.family, abs(roll_of(face.landmarks[0]))
        doubtful = face.confidence[0] < family.sure or roll > UPRIGHT
        if tired or not (doubtful or roll >= family.turned or face.seen_px[0] < family.exact_from):
            return face
        return look_again(self.looker, image, face, doubtful=doubtful) or face

    def _faces(self, seen: Candidates) -> Candidates:
        return self.looker.united(self.looker.sure(seen))


def _spots(seen: Candidates) -> Floats:
    """Where a pass saw something small, surely or not: (n, 2)."""
    return seen.centres[seen.seen_px < SMALL_FACE]


def _rounded_up(side: int) -> int:
    return -(-side // STEP) * STEP
