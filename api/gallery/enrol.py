"""What happens when photos are enrolled: their faces are found, written down, and one of them stands for the person.

The device works outside any transaction. A photo that was already looked at is left alone, so the job may run twice.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from api.cases import photos, states
from api.cases import service as cases
from api.cases.models import Photo
from api.gallery import service
from api.gallery.matcher import Matcher
from api.kit.node import Node
from api.notices.service import tell_user
from facematch.pipeline import Extracted, extract_many
from facematch.types import Face

log = structlog.get_logger()
NOTICES = {"no_face": "no-face", "needs_choice": "face-choice-needed", "refused": "photo-refused"}
Seen = Sequence[Face] | None  # the faces of a picture, None where it cannot be examined


def enrol_photo(node: Node, matcher: Matcher, photo_id: str, *, now: datetime) -> None:
    """`enrol_photos` for one photo."""
    enrol_photos(node, matcher, [photo_id], now=now)


def enrol_photos(
    node: Node,
    matcher: Matcher,
    photo_ids: Sequence[str],
    *,
    now: datetime,
    finish: Callable[[Session], None] = lambda _: None,
) -> None:
    """Find the faces of received photos and make the persons findable; `finish` joins the transaction that says so.

    Raises BlobMissing, SealBroken, for one of them instead of all.
    """
    query = sa.select(Photo.id, Photo.blob).where(Photo.id.in_(photo_ids), Photo.state == states.PHOTO.initial)
    with node.db.read() as session:
        received = session.execute(query.order_by(Photo.id)).all()
    pictures = ((photo_id, node.blobs.get(blob)) for photo_id, blob in received)
    seen: dict[str, Seen] = {
        answer.key: answer.faces if isinstance(answer, Extracted) else None
        for answer in extract_many(matcher.eye, pictures, workers=matcher.at_once)
    }
    with node.db.write() as session:
        looked_at = _still_received(session, seen)
        write_down(session, node, looked_at, now=now)
        finish(session)
    for photo, faces in looked_at:
        log.info("photo_enrolled", photo=photo.id, faces=len(faces or ()), state=photo.state)


def write_down(session: Session, node: Node, looked_at: Sequence[tuple[Photo, Seen]], *, now: datetime) -> None:
    """What was seen in received photos whose cases the caller holds: faces, who is found now, and who must be told."""
    for photo, seen in looked_at:
        if seen is None:
            photos.move_photo(photo, "refuse")
    examined = [(photo, seen) for photo, seen in looked_at if seen is not None]
    service.add_faces_of_many(session, node.vault, examined, now=now)
    service.reconcile_cases(session, {photo.case_id for photo, _ in examined}, now=now)
    for photo, _ in looked_at:
        kind = NOTICES.get(photo.state)
        if kind is not None:
            link = f"/cases/{photo.case_id}"
            tell_user(session, kind, user_id=photo.added_by, link=link, case_id=photo.case_id, now=now)


def _still_received(session: Session, seen: Mapping[str, Seen]) -> list[tuple[Photo, Seen]]:
    """The photos that no other worker was quicker with, their cases held."""
    photos_seen = sa.select(Photo).where(Photo.id.in_(seen))
    cases.hold_many(session, session.scalars(photos_seen.with_only_columns(Photo.case_id)))
    waiting = photos_seen.where(Photo.state == states.PHOTO.initial).order_by(Photo.id)
    return [(photo, seen[photo.id]) for photo in session.scalars(waiting)]
