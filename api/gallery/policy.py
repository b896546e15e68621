"""Which faces somebody may see or choose: those of the photographs whose case is in reach. All others do not exist."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Actor
from api.cases.models import Case, Photo
from api.cases.policy import visible_cases
from api.gallery.models import Face
from api.kit.problems import NotFound


def get_visible_face(session: Session, actor: Actor, face_id: str) -> Face:
    """A face of a case the actor may see. Raises NotFound for every other one."""
    query = sa.select(Face).join(Photo, Face.photo_id == Photo.id).join(Case, Photo.case_id == Case.id)
    face = session.scalar(query.where(Face.id == face_id, visible_cases(actor)))
    if face is None:
        raise NotFound
    return face
