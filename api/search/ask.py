"""Asking the gallery who looks like a face, and what each likeness is worth.

Never writes, and never lets the device work inside a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.cases.ages import age_at, age_gap_years
from api.cases.models import Case, Person
from api.cases.states import SEARCHABLE
from api.gallery import replica
from api.gallery.matcher import Matcher
from api.gallery.models import KINDS, Face, TemplateRow
from api.gallery.service import gallery_size, regions_within
from api.jobs.models import Job
from api.kit.node import Node
from api.kit.problems import Refusal, SealBroken
from api.search import exclusions
from facematch.types import Likelihood, Template
from index.errors import MemoryRefusal
from index.types import Filter, Neighbour

OPPOSITE = {"found": "sought", "sought": "found"}


class CouldNotLook(Refusal):
    """The gallery could not be asked. This says nothing about whether the person is in it."""

    code = "could-not-look"


@dataclass(frozen=True)
class Question:
    """Whose face is asked: its person, template, the photo's partial date, and pixels between the eyes.

    `regions` are prefixes, empty for everywhere. `floor` is the least nominal log10 likelihood ratio proposed.
    With `photo_added_at` a rejection older than the photo no longer holds.
    """

    person: Person
    template: Template
    taken_on: str
    eye_px: float
    floor: float
    regions: tuple[str, ...] = ()
    photo_added_at: datetime | None = None


@dataclass(frozen=True)
class Hit:
    """Somebody of the other kind, by the most similar face."""

    person: Person
    face_id: str
    age_gap_years: float | None
    likelihood: Likelihood


@dataclass(frozen=True)
class Answer:
    """Hits, best first; the gallery's revision when asked, how many persons were compared, and on which scale."""

    hits: tuple[Hit, ...]
    revision: int
    persons: int
    contract: str
    calibration: str


def look_up(node: Node, matcher: Matcher, question: Question, *, now: datetime) -> Answer:
    """Ask this node's gallery as it stands in the database now. Raises CouldNotLook."""
    try:
        revision = replica.catch_up(node, matcher)
        with node.db.read() as session:
            where, persons = _scope(session, node, matcher, question, now=now)
        neighbours = matcher.nearest(question.template, node.settings.candidates_per_search, where)
    except (MemoryRefusal, SealBroken) as trouble:
        raise CouldNotLook(because=trouble.code) from trouble
    with node.db.read() as session:
        faces = _faces_of(session, neighbours)
    hits = [_judge(matcher, question, near, faces, persons=persons) for near in neighbours if near.template in faces]
    proposed = tuple(hit for hit in hits if hit.likelihood.nominal_log10_lr >= question.floor)
    return Answer(proposed, revision, persons, matcher.contract, matcher.calibration.id)


def _scope(session: Session, node: Node, matcher: Matcher, question: Question, *, now: datetime) -> tuple[Filter, int]:
    kind = KINDS[OPPOSITE[question.person.kind]]
    rejected = exclusions.rejected_keys(
        session, question.person, settings=node.settings, now=now, photo_added_at=question.photo_added_at
    )
    where = Filter(
        kinds=frozenset({kind}),
        regions=regions_within(session, matcher.contract, question.regions) if question.regions else None,
        excluded_persons=rejected | _ended(session),
    )
    return where, gallery_size(session, matcher.contract, kind, question.regions)


def _ended(session: Session) -> frozenset[int]:
    """Persons whose case has ended while the job that takes them out of the gallery still waits."""
    waiting = sa.select(Job.case_id).where(Job.name == "gallery.reconcile", Job.finished_at.is_(None))
    query = sa.select(Person.key, Case.kind, Case.state).join(Case, Person.case_id == Case.id)
    rows = session.execute(query.where(Case.id.in_(waiting)))
    return frozenset(key for key, kind, state in rows if state not in SEARCHABLE[kind])


def _faces_of(session: Session, neighbours: Sequence[Neighbour]) -> dict[int, Face]:
    keys = [near.template for near in neighbours]
    query = sa.select(TemplateRow.key, Face).join(Face, TemplateRow.face_id == Face.id)
    return {row.key: row.Face for row in session.execute(query.where(TemplateRow.key.in_(keys)))}


def _judge(matcher: Matcher, question: Question, near: Neighbour, faces: dict[int, Face], *, persons: int) -> Hit:
    face = faces[near.template]
    photo = face.photo
    gap = age_gap_years(question.taken_on, photo.taken_on)
    likelihood = matcher.calibration.assess(
        near.cosine,
        age_gap_years=gap,
        youngest_age_years=_youngest((question.person, question.taken_on), (photo.person, photo.taken_on)),
        smallest_eye_px=min(question.eye_px, face.eye_distance),
        gallery_size=persons,
    )
    return Hit(photo.person, face.id, gap, likelihood)


def _youngest(*shown: tuple[Person, str]) -> float | None:
    """The lowest age anybody may have had in a picture; None when one of the ages is unknown."""
    ages = [age_at(person, taken_on) for person, taken_on in shown]
    known = [age[0] for age in ages if age is not None]
    return float(min(known)) if len(known) == len(ages) else None
