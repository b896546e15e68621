"""Faces as JSON: where they are and how good they are, in words. Never a template, never a bare number of quality."""

from typing import Literal

from pydantic import BaseModel

from api.gallery.models import Face
from api.kit.text import Body

Grade = Literal["good", "fair", "poor", "not_assessed"]
GOOD, FAIR = 60.0, 30.0  # of 100; the same steps for every component, as its scale is standardised (ISO/IEC 29794-5)


class FaceChoice(Body):
    """Which face is the person's."""

    face_id: str


class FaceOut(BaseModel):
    """One face: box in pixels of the stored picture (x, y, width, height), quality in words."""

    id: str
    photo_id: str
    ordinal: int
    box: list[float]
    chosen: bool
    quality: dict[str, Grade]
    weakest: str | None


class FacesOut(BaseModel):
    """All faces of a photo, and the size in pixels that their boxes refer to."""

    width: int
    height: int
    state: str
    items: list[FaceOut]


def grade(value: float) -> Grade:
    """A component's value in words; -1 means that it could not be assessed."""
    if value < 0:
        return "not_assessed"
    return "good" if value >= GOOD else "fair" if value >= FAIR else "poor"


def face_out(face: Face) -> FaceOut:
    """A face as its reader gets it."""
    quality = {name: grade(value) for name, value in face.quality.items()}
    assessed = {name: value for name, value in face.quality.items() if value >= 0}
    return FaceOut(
        id=face.id,
        photo_id=face.photo_id,
        ordinal=face.ordinal,
        box=face.box,
        chosen=face.chosen_by is not None,
        quality=quality,
        weakest=min(assessed, key=lambda name: assessed[name]) if assessed else None,
    )
