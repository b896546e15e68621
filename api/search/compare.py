"""What all photographs of somebody are worth beside one face, under every model that saw both.

Each pair of pictures is judged by its own years, ages and sizes before anything is put together. Never compares
templates of different contracts, and never shows a similarity.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session, lazyload

from api.cases.ages import age_at, age_gap_years
from api.cases.models import Person, Photo
from api.gallery.matcher import Matcher
from api.gallery.models import Face, TemplateRow
from api.gallery.sealing import open_template
from api.kit.vault import Vault
from facematch.likelihood import fuse
from facematch.types import Likelihood, Template
from index.types import EVERYTHING, Filter


@dataclass(frozen=True)
class Question:
    """Whose face is asked: its person, templates by contract, the photo's partial date, and pixels between the eyes.

    `regions` are prefixes, empty for everywhere; `narrowed` says what else is asked of a person's labels.
    `floor` is the least nominal log10 likelihood ratio proposed.
    With `photo_added_at` a rejection older than the photo no longer holds.
    """

    person: Person
    templates: Mapping[str, Template]
    taken_on: str
    eye_px: float
    floor: float
    regions: tuple[str, ...] = ()
    narrowed: Filter = EVERYTHING
    photo_added_at: datetime | None = None


@dataclass(frozen=True)
class Hit:
    """Somebody of the other kind, by the most telling of their faces; the likelihood is that of all faces together."""

    person: Person
    face_id: str
    age_gap_years: float | None
    likelihood: Likelihood


@dataclass(frozen=True)
class Shown:
    """One findable face of somebody: id, the photo's partial date, pixels between the eyes, templates by contract."""

    person: Person
    face_id: str
    taken_on: str
    eye_px: float
    templates: dict[str, Template]


def shown_faces(
    session: Session, vault: Vault, contracts: Collection[str], persons: Collection[int]
) -> dict[int, list[Shown]]:
    """Every findable face of these persons (keys), oldest first. Raises SealBroken."""
    columns = (TemplateRow.key, TemplateRow.contract, TemplateRow.sealed, TemplateRow.active)
    query = sa.select(*columns, Face.id, Face.eye_distance, Photo.taken_on, Person)
    query = query.join(Face, TemplateRow.face_id == Face.id).join(Photo, Face.photo_id == Photo.id)
    query = query.join(Person, TemplateRow.person_key == Person.key).options(lazyload(Person.case))
    # Asked for by persons alone: with the contract beside them SQLite would walk the whole gallery of that contract.
    rows = session.execute(query.where(TemplateRow.person_key.in_(persons))).all()
    faces: dict[str, Shown] = {}
    for _, contract, sealed, active, face_id, eye_px, taken_on, person in sorted(rows, key=lambda row: row.key):
        if active and contract in contracts:
            face = faces.setdefault(face_id, Shown(person, face_id, taken_on, eye_px, {}))
            face.templates[contract] = open_template(vault, sealed, face_id=face_id, contract=contract)
    shown: dict[int, list[Shown]] = defaultdict(list)
    for face in faces.values():
        shown[face.person.key].append(face)
    return shown


def compare(matcher: Matcher, question: Question, faces: Sequence[Shown], *, persons: int) -> Hit | None:
    """Judge all faces of one person, among so many persons; None where no model saw any of them."""
    seen = [(face, judged) for face in faces if (judged := _judge(matcher, question, face, persons=persons))]
    if not seen:
        return None
    alone = [fuse([judged], fusion=matcher.fusion, gallery_size=persons) for _, judged in seen]
    best = max(range(len(seen)), key=lambda place: alone[place].nominal_log10_lr)
    together = fuse([judged for _, judged in seen], fusion=matcher.fusion, gallery_size=persons)
    face = seen[best][0]
    return Hit(face.person, face.face_id, age_gap_years(question.taken_on, face.taken_on), together)


def _judge(matcher: Matcher, question: Question, face: Shown, *, persons: int) -> list[Likelihood]:
    """What each model that saw both faces says of them."""
    both = [one for one in matcher.memories if one.contract in question.templates and one.contract in face.templates]
    if not both:
        return []
    gap = age_gap_years(question.taken_on, face.taken_on)
    youngest = _youngest((question.person, question.taken_on), (face.person, face.taken_on))
    return [
        one.calibration.assess(
            _cosine(question.templates[one.contract], face.templates[one.contract]),
            age_gap_years=gap,
            youngest_age_years=youngest,
            smallest_eye_px=min(question.eye_px, face.eye_px),
            gallery_size=persons,
        )
        for one in both
    ]


def _cosine(one: Template, other: Template) -> float:
    return float(one.astype(np.float64) @ other.astype(np.float64))


def _youngest(*shown: tuple[Person, str]) -> float | None:
    """The lowest age anybody may have had in a picture; None when one of the ages is unknown."""
    ages = [age_at(person, taken_on) for person, taken_on in shown]
    known = [age[0] for age in ages if age is not None]
    return float(min(known)) if len(known) == len(ages) else None
