"""Faces as JSON: where they are and how good they are, in words. Never a template, never a number without its word."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from api.gallery.models import Face
from api.kit.text import Body
from facematch.types import UNKNOWN
from facematch.utility import GOOD as GOOD_UTILITY

Grade = Literal["good", "fair", "poor", "not_assessed"]
Usefulness = Literal["good", "usable", "poor", "not_assessed"]
GOOD, FAIR = 60.0, 30.0  # of 100; the same steps for every component, as its scale is standardised (ISO/IEC 29794-5)
UTILITY = "UnifiedQualityScore"
USABLE = 50.0  # of 100 good pictures of the person as many are recognised as missed; GOOD_UTILITY is the eye's own step


class FaceChoice(Body):
    """Which face is the person's."""

    face_id: str


class FaceOut(BaseModel):
    """One face: box in pixels of the stored picture (x, y, width, height), quality in words.

    `utility` predicts how many of 100 good pictures of the same person would be recognised with this one, -1 where that
    is not known; `usefulness` is its word, and `weakest` the component that hurts it most, none where it is good.
    """

    id: str
    photo_id: str
    ordinal: int
    box: list[float]
    chosen: bool
    quality: dict[str, Grade]
    utility: float
    usefulness: Usefulness
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


def usefulness(quality: Mapping[str, Any]) -> Usefulness:
    """A face's stored quality in one word."""
    value = quality.get(UTILITY, UNKNOWN)
    if value < 0:
        return "not_assessed"
    return "good" if value >= GOOD_UTILITY else "usable" if value >= USABLE else "poor"


def face_out(face: Face) -> FaceOut:
    """A face as its reader gets it."""
    components = {name: value for name, value in face.quality.items() if name not in (UTILITY, "causes")}
    return FaceOut(
        id=face.id,
        photo_id=face.photo_id,
        ordinal=face.ordinal,
        box=face.box,
        chosen=face.chosen_by is not None,
        quality={name: grade(value) for name, value in components.items()},
        utility=face.quality.get(UTILITY, UNKNOWN),
        usefulness=usefulness(face.quality),
        weakest=next(iter(face.quality.get("causes", ())), None),
    )
