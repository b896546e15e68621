"""What happens when a photo is enrolled: its faces are found, written down, and one of them stands for the person.

The device works outside any transaction. A photo that was already looked at is left alone, so the job may run twice.
"""

import time
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from api.cases import photos, states
from api.cases import service as cases
from api.cases.models import Case, Photo
from api.gallery import service
from api.gallery.matcher import Matcher
from api.kit.node import Node
from api.notices.service import tell_user
from facematch.errors import ImageRefused
from facematch.types import Face

log = structlog.get_logger()
NOTICES = {"no_face": "no-face", "needs_choice": "face-choice-needed", "refused": "photo-refused"}


def enrol_photo(node: Node, matcher: Matcher, photo_id: str, *, now: datetime) -> None:
    """Find the faces of a received photo and make the person findable. Raises BlobMissing, SealBroken."""
    with node.db.read() as session:
        photo = session.get(Photo, photo_id)
        if photo is None or photo.state != states.PHOTO.initial:
            return
    began = time.perf_counter()
    seen = _look(matcher, node.blobs.get(photo.blob))
    took_ms = round((time.perf_counter() - began) * 1000)
    with node.db.write() as session:
        state = _write_down(session, node, photo_id, seen, now=now)
    log.info("photo_enrolled", photo=photo_id, faces=len(seen or ()), state=state, ms=took_ms)


def _look(matcher: Matcher, picture: bytes) -> Sequence[Face] | None:
    """The faces of a picture, or None where it cannot be examined."""
    try:
        _, faces = matcher.extractor.faces_in(picture)
    except ImageRefused:
        return None
    return faces


def _write_down(session: Session, node: Node, photo_id: str, seen: Sequence[Face] | None, *, now: datetime) -> str:
    photo = session.get_one(Photo, photo_id)
    cases.hold(session, session.get_one(Case, photo.case_id), revision=None)
    session.refresh(photo, ["state"])
    if photo.state != states.PHOTO.initial:
        return photo.state  # another worker was quicker
    if seen is None:
        photos.move_photo(session, photo, "refuse")
    else:
        service.add_faces(session, node.vault, photo, seen, now=now)
        service.reconcile_case(session, photo.case_id, now=now)
    kind = NOTICES.get(photo.state)
    if kind is not None:
        link = f"/cases/{photo.case_id}"
        tell_user(session, kind, user_id=photo.added_by, link=link, case_id=photo.case_id, now=now)
    return photo.state
