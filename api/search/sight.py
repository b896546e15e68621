"""From a probe to one face: a picture brought along or a face already stored, and who it is of.

Never picks one of several faces by itself.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Actor
from api.cases.models import Case, Person, Photo
from api.cases.photos import ENROLLED_ROLES, Prepared, accept_photo, limits_of, prepare
from api.cases.states import PHOTO
from api.gallery import service as gallery
from api.gallery.matcher import Matcher
from api.gallery.models import Face
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, Refusal
from api.search.ask import CouldNotLook
from facematch import images
from facematch import types as eye
from facematch.errors import NoFaceFound

PROBE = "probe"
ASKED_ROLES = ENROLLED_ROLES | {PROBE}  # a relative's or a made-up picture does not show the person
_AT_ONCE = threading.BoundedSemaphore(2)  # a picture at the limits takes 0.8 GiB while it is decoded


class FaceChoiceNeeded(Refusal):
    """The picture shows several faces and nobody said which is meant; facts: boxes [x, y, width, height] and size."""

    code = "face-choice-needed"


@dataclass(frozen=True)
class ProbeBytes:
    """A picture brought along: which of its faces (0: the largest), of whom, and its partial date."""

    data: bytes
    choice: int | None = None
    person_id: str | None = None
    taken_on: str = ""


@dataclass(frozen=True)
class ProbeFace:
    """A face that is stored with the case already."""

    face_id: str


@dataclass(frozen=True)
class SeenFace:
    """A face that may be asked for: id (empty while not stored), box, pixels between the eyes, templates."""

    id: str
    box: Sequence[float]
    eye_px: float
    templates: Mapping[str, eye.Template]


@dataclass(frozen=True)
class View:
    """What a probe shows, in pixels of the upright picture; `fresh` are the faces of a picture not yet looked at."""

    width: int
    height: int
    taken_on: str
    faces: Sequence[SeenFace]
    fresh: Sequence[eye.Face] = ()


@dataclass(frozen=True)
class Brought:
    """A picture that is to be kept: what was sent, its sealed copy, its faces, and which of them is meant."""

    probe: ProbeBytes
    prepared: Prepared
    faces: Sequence[eye.Face]
    choice: int


def person_of(session: Session, case: Case, probe: ProbeBytes | ProbeFace) -> Person:
    """Whose face it is: a person of this case. Raises NotFound, or InvalidInput where the case has several."""
    if isinstance(probe, ProbeFace):
        return _face(session, case, probe).photo.person
    if probe.person_id is None and len(case.persons) > 1:
        raise InvalidInput(field="person_id")
    wanted = (person for person in case.persons if probe.person_id in {None, person.id})
    person = next(wanted, None)
    if person is None:
        raise NotFound
    return person


def recall(
    session: Session, node: Node, matcher: Matcher, person: Person, *, probe: ProbeBytes | ProbeFace
) -> View | None:
    """What is stored of a probe; None for a picture that has not been looked at. Raises CouldNotLook, InvalidInput."""
    if isinstance(probe, ProbeFace):
        face = _face(session, person.case, probe)
        if face.photo.role not in ASKED_ROLES:
            raise InvalidInput(field="face_id", value=face.photo.role)
        return _stored_view(session, node, matcher, face.photo, faces=[face])
    photo = _twin(session, person, probe)
    if photo is None or photo.state == PHOTO.initial:
        return None
    faces = gallery.faces_of_photo(session, photo.id)
    chosen = [face for face in faces if face.chosen_by is not None]
    return _stored_view(session, node, matcher, photo, faces=chosen if probe.choice is None and chosen else faces)


def look(node: Node, matcher: Matcher, probe: ProbeBytes | ProbeFace) -> View:
    """Open a picture within the gates and find its faces. Raises ImageRefused."""
    assert isinstance(probe, ProbeBytes)
    with _AT_ONCE:
        picture = images.open_picture(probe.data, limits=limits_of(node.settings))
    faces = matcher.eye.faces_of(picture)
    return View(picture.width, picture.height, probe.taken_on, [_seen(face) for face in faces], fresh=faces)


def choose(view: View, probe: ProbeBytes | ProbeFace) -> int:
    """Which face is meant. Raises NoFaceFound, FaceChoiceNeeded, or InvalidInput for a number that no face has."""
    choice = probe.choice if isinstance(probe, ProbeBytes) else None
    if not view.faces:
        raise NoFaceFound
    if choice is None and len(view.faces) > 1:
        boxes: list[object] = [[round(float(edge), 1) for edge in face.box] for face in view.faces]
        raise FaceChoiceNeeded(boxes=boxes, width=view.width, height=view.height)
    if choice is not None and not 0 <= choice < len(view.faces):
        raise InvalidInput(field="face", value=choice)
    return choice or 0


def bring(node: Node, probe: ProbeBytes | ProbeFace, view: View, *, choice: int) -> Brought:
    """Store the picture sealed, before any row names it."""
    assert isinstance(probe, ProbeBytes)
    return Brought(probe, prepare(node, probe.data), view.fresh, choice)


def keep(session: Session, node: Node, actor: Actor, person: Person, *, brought: Brought, now: datetime) -> str:
    """Write down the picture, its faces and the choice; returns the id of the face asked for."""
    photo = _twin(session, person, brought.probe) or accept_photo(
        session,
        actor,
        person.case_id,
        brought.prepared,
        person_id=person.id,
        role=PROBE,
        taken_on=brought.probe.taken_on,
        source="",
        settings=node.settings,
        now=now,
    )
    faces = gallery.add_faces(session, node.vault, photo, brought.faces, now=now)
    face_id = faces[brought.choice].id
    if len(faces) > 1:
        gallery.choose_face(session, actor, photo.id, face_id, now=now)
    gallery.reconcile_case(session, photo.case_id, now=now)
    return face_id


def _face(session: Session, case: Case, probe: ProbeFace) -> Face:
    face = session.get(Face, probe.face_id)
    if face is None or face.photo.case_id != case.id:
        raise NotFound
    return face


def _twin(session: Session, person: Person, probe: ProbeBytes) -> Photo | None:
    """The same picture, sent earlier for the same person."""
    digest = hashlib.sha256(probe.data).hexdigest()
    return session.scalar(sa.select(Photo).where(Photo.person_id == person.id, Photo.upload_sha256 == digest))


def _stored_view(session: Session, node: Node, matcher: Matcher, photo: Photo, *, faces: Sequence[Face]) -> View:
    seen = []
    for face in faces:
        templates = gallery.templates_of(session, node.vault, face.id, matcher.contracts)
        if not templates:
            raise CouldNotLook(because="no-template")
        seen.append(SeenFace(face.id, face.box, face.eye_distance, templates))
    return View(photo.width, photo.height, photo.taken_on, seen)


def _seen(face: eye.Face) -> SeenFace:
    box, marks = face.detection.box, face.detection.landmarks
    eye_px = float(np.linalg.norm(marks[1] - marks[0]))
    return SeenFace("", (box.x, box.y, box.width, box.height), eye_px, face.templates)
