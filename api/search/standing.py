"""The search that never stops: a face that has just become findable is asked of everybody who waits for it.

Nobody asked for it, so it proposes less readily, changes no state, and tells both sides.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from api.cases.states import SEARCHABLE
from api.gallery import service as gallery
from api.gallery.matcher import Matcher
from api.gallery.models import Face
from api.kit.node import Node
from api.requests.policy import purpose_of
from api.search import ask, service
from api.search.propose import Search

REASON = "standing search"


def search_standing(node: Node, matcher: Matcher, person_id: str, face_id: str, *, now: datetime) -> None:
    """Ask one face of the other kind everywhere. A face no longer in use is left alone. Raises CouldNotLook."""
    with node.db.read() as session:
        face = _face_in_use(session, person_id, face_id)
        template = gallery.template_of(session, node.vault, face_id, matcher.contract) if face else None
    if face is None or template is None:
        return
    photo = face.photo
    question = ask.Question(
        person=photo.person,
        template=template,
        taken_on=photo.taken_on,
        eye_px=face.eye_distance,
        floor=node.settings.standing_floor_log10_lr,
        photo_added_at=photo.added_at,
    )
    answer = ask.look_up(node, matcher, question, now=now)
    with node.db.write() as session:
        if _face_in_use(session, person_id, face_id) is None:
            return
        search = Search(
            kind="standing",
            person=photo.person,
            face_id=face.id,
            purpose=purpose_of(photo.person.case),
            reason=REASON,
            regions=(),
            request_id=None,
            by=None,
            photo_added_at=photo.added_at,
            started_at=now,
            ended_at=node.clock(),
        )
        service.write_down(session, search, answer, settings=node.settings)


def _face_in_use(session: Session, person_id: str, face_id: str) -> Face | None:
    face = session.get(Face, face_id)
    if face is None or face.chosen_by is None or face.photo.person_id != person_id:
        return None
    case = face.photo.person.case
    return face if case.state in SEARCHABLE[case.kind] else None
