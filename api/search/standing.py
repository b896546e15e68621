"""The search that never stops: a face that has just become findable is asked of everybody who waits for it.

Nobody asked for it, so it proposes less readily, changes no state, and tells both sides.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.cases.models import Case, Photo
from api.cases.states import SEARCHABLE
from api.gallery import service as gallery
from api.gallery.matcher import Matcher
from api.gallery.models import Face
from api.kit.node import Node
from api.requests.policy import purpose_of
from api.search import ask, service
from api.search.compare import Question
from api.search.propose import Search
from facematch.types import Template

REASON = "standing search"


def search_standing(
    node: Node,
    matcher: Matcher,
    asked: Mapping[str, str],
    *,
    now: datetime,
    finish: Callable[[Session], None] = lambda _: None,
) -> None:
    """Ask faces (id → their person's id) of the other kind everywhere; `finish` joins the transaction that says so.

    A face no longer in use is left alone. Raises CouldNotLook, for one of them instead of all.
    """
    with node.db.read() as session:
        in_use = _in_use(session, asked)
        faces = session.scalars(sa.select(Face).where(Face.id.in_(in_use)).order_by(Face.id)).all()
        templates = gallery.templates_of_faces(session, node.vault, [face.id for face in faces], matcher.contracts)
    faces = [face for face in faces if templates[face.id]]
    floor = node.settings.standing_floor_log10_lr
    questions = [_question(face, templates[face.id], floor=floor) for face in faces]
    answers = ask.look_up_all(node, matcher, questions, now=now)
    searches = [_search(face, started_at=now, ended_at=node.clock()) for face in faces]
    with node.db.write() as session:
        in_use = _in_use(session, asked)
        answered = [both for both in zip(searches, answers, strict=True) if both[0].face_id in in_use]
        service.write_down_all(session, answered, settings=node.settings)
        finish(session)


def _in_use(session: Session, asked: Mapping[str, str]) -> set[str]:
    """The faces that still stand for the same person, of a case that is searched for."""
    query = sa.select(Face.id, Photo.person_id, Case.kind, Case.state).join(Photo, Face.photo_id == Photo.id)
    rows = session.execute(
        query.join(Case, Photo.case_id == Case.id).where(Face.id.in_(asked), Face.chosen_by.is_not(None))
    )
    return {
        face_id for face_id, person_id, kind, state in rows if asked[face_id] == person_id and state in SEARCHABLE[kind]
    }


def _question(face: Face, templates: Mapping[str, Template], *, floor: float) -> Question:
    photo = face.photo
    return Question(
        person=photo.person,
        templates=templates,
        taken_on=photo.taken_on,
        eye_px=face.eye_distance,
        floor=floor,
        photo_added_at=photo.added_at,
    )


def _search(face: Face, *, started_at: datetime, ended_at: datetime) -> Search:
    photo = face.photo
    return Search(
        kind="standing",
        person=photo.person,
        face_id=face.id,
        purpose=purpose_of(photo.person.case),
        reason=REASON,
        regions=(),
        request_id=None,
        by=None,
        photo_added_at=photo.added_at,
        started_at=started_at,
        ended_at=ended_at,
    )
