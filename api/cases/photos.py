"""Photographs of a case: let in, shown, and moved through their states. Never stores the bytes that were sent.

Looking at the picture costs time, so `prepare` runs before the transaction and `accept_photo` in it.
"""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.audit import service as audit
from api.cases import policy, service, states
from api.cases.models import Case, Person, Photo
from api.cases.schemas import PhotoSaid
from api.jobs import queue
from api.kit import ids, paging
from api.kit.node import Node
from api.kit.problems import InvalidInput, NotFound, Refusal
from api.kit.settings import Settings
from facematch import images

ENROLLED_ROLES = frozenset({"capture", "reference", "id_photo"})
SHOWN_SIDE = 1600
_AT_ONCE = threading.BoundedSemaphore(2)  # a picture at the limits takes 0.8 GiB while it is decoded


class PhotoAlreadyThere(Refusal):
    """This person already has this very picture; facts name it."""

    code = "photo-already-there"


class TooManyPhotos(Refusal):
    """The person has as many pictures as one may have."""

    code = "photos-too-many"


@dataclass(frozen=True)
class Prepared:
    """A picture that was let in: its blob (a clean JPEG), its size in pixels, and the digest of what was sent."""

    blob: str
    width: int
    height: int
    upload_sha256: str


@dataclass(frozen=True)
class NewPhoto:
    """A prepared picture, whose it is, and what is said about it."""

    person: Person
    prepared: Prepared
    role: str
    taken_on: str
    source: str


def limits_of(settings: Settings) -> images.ImageLimits:
    """The gates of this node."""
    return images.ImageLimits(max_bytes=settings.upload_limit_mb * 1_000_000)


def prepare(node: Node, data: bytes) -> Prepared:
    """Prove that bytes are a picture, re-encode it without metadata and store it sealed. Raises ImageRefused.

    A blob that no row comes to name is swept away later; a row without its blob would be a lost picture.
    """
    with _AT_ONCE:
        clean = images.clean(data, limits=limits_of(node.settings))
    return store(node, clean, upload_sha256=hashlib.sha256(data).hexdigest())


def store(node: Node, clean: images.CleanImage, *, upload_sha256: str) -> Prepared:
    """Store sealed what was let in and made clean elsewhere."""
    return Prepared(node.blobs.put(clean.jpeg), clean.width, clean.height, upload_sha256)


def accept_photo(
    session: Session,
    actor: Actor,
    case_id: str,
    prepared: Prepared,
    *,
    person_id: str | None,
    role: str,
    taken_on: str,
    source: str,
    settings: Settings,
    now: datetime,
) -> Photo:
    """Add a prepared picture to an own case; its faces are looked for by a job.

    `person_id` may be None where the case has one person; `taken_on` is a partial date or empty.

    Raises NotPermitted, NotFound, WrongState, InvalidInput, PhotoAlreadyThere, TooManyPhotos.
    """
    permit(actor, Act.ADD_PHOTO)
    case = policy.get_own_case(session, actor, case_id)
    service.hold(session, case, revision=None)
    service.refuse_ended(case, event="add_photo")
    new = NewPhoto(_person_of(case, person_id), prepared, role, taken_on, source)
    (photo,) = add_photos(session, actor, [new], settings=settings, now=now)
    queue.put(session, "gallery.enrol", {"photo_id": photo.id}, now=now, case_id=case.id)
    return photo


def add_photos(
    session: Session, actor: Actor, news: Sequence[NewPhoto], *, settings: Settings, now: datetime
) -> list[Photo]:
    """Write down many pictures of persons whose cases the caller holds; who looks for their faces is the caller's.

    Raises NotPermitted, InvalidInput, PhotoAlreadyThere, TooManyPhotos.
    """
    permit(actor, Act.ADD_PHOTO)
    photos = [_photo(actor, new, now=now) for new in news]
    _check_room(session, photos, limit=settings.photos_per_person)
    session.add_all(photos)
    session.flush()
    for photo in photos:
        deed = _deed("photo-added", "photo", photo.id, by=actor, case_id=photo.case_id, now=now)
        audit.record(session, deed, role=photo.role, person=photo.person_id)
    return photos


def check_may_add(session: Session, actor: Actor, case_id: str) -> None:
    """Refuse early what `accept_photo` would refuse, before a picture is looked at. Raises NotPermitted, NotFound."""
    permit(actor, Act.ADD_PHOTO)
    service.refuse_ended(policy.get_own_case(session, actor, case_id), event="add_photo")


def move_photo(photo: Photo, event: str) -> None:
    """Let a photograph move after its faces were looked for or chosen. Raises WrongState."""
    photo.state = states.PHOTO.move(photo.state, event)


def list_photos(session: Session, case_id: str) -> list[Photo]:
    """The pictures of a case, oldest first; whether the case may be seen is the caller's question."""
    return list(session.scalars(sa.select(Photo).where(Photo.case_id == case_id).order_by(Photo.id)))


def page_of_photos(
    session: Session, actor: Actor, case_id: str, *, cursor: str | None, limit: int
) -> tuple[list[Photo], str | None]:
    """The pictures of a case, newest first, and the next cursor. Raises NotPermitted, NotFound, CursorInvalid."""
    case = service.see_case(session, actor, case_id)
    query = sa.select(Photo).where(Photo.case_id == case.id)
    return paging.cut_page(session, query, key=Photo.id, cursor=cursor, limit=limit)


def see_photo(session: Session, actor: Actor, photo_id: str) -> Photo:
    """What is written about a picture. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CASE)
    return policy.get_visible_photo(session, actor, photo_id)


def view_photo(session: Session, actor: Actor, photo_id: str, *, reason: str, now: datetime) -> Photo:
    """A picture somebody is about to see; remembered with the reason. Raises NotPermitted, NotFound."""
    photo = see_photo(session, actor, photo_id)
    record_view(session, actor, kind="photo", record_id=photo.id, case_id=photo.case_id, reason=reason, now=now)
    return photo


def photo_picture(node: Node, photo: Photo, *, max_side: int = SHOWN_SIDE) -> bytes:
    """JPEG for showing, its longer side at most `max_side` pixels. Raises BlobMissing, SealBroken."""
    return images.scaled(node.blobs.get(photo.blob), max_side=max_side)


def record_view(
    session: Session, actor: Actor, *, kind: str, record_id: str, case_id: str, reason: str, now: datetime
) -> None:
    """Remember that somebody saw a face, and why."""
    deed = _deed("picture-seen", kind, record_id, by=actor, case_id=case_id, now=now, reason=reason)
    audit.record(session, deed)


def _said(new: NewPhoto, *, now: datetime) -> PhotoSaid:
    try:
        said = PhotoSaid.model_validate({"role": new.role, "taken_on": new.taken_on, "source": new.source})
    except ValidationError as wrong:
        raise InvalidInput(field=str(wrong.errors()[0]["loc"][0])) from wrong
    service.check_past(now, taken_on=said.taken_on)
    return said


def _photo(actor: Actor, new: NewPhoto, *, now: datetime) -> Photo:
    said = _said(new, now=now)
    return Photo(
        id=ids.new_id(now),
        case_id=new.person.case_id,
        person=new.person,
        role=said.role,
        state=states.PHOTO.initial,
        blob=new.prepared.blob,
        upload_sha256=new.prepared.upload_sha256,
        width=new.prepared.width,
        height=new.prepared.height,
        taken_on=said.taken_on,
        source=said.source,
        added_by=actor.user_id,
        added_at=now,
    )


def _person_of(case: Case, person_id: str | None) -> Person:
    if person_id is None and len(case.persons) == 1:
        return case.persons[0]
    if person_id is None:
        raise InvalidInput(field="person_id")
    person = next((each for each in case.persons if each.id == person_id), None)
    if person is None:
        raise NotFound
    return person


def _check_room(session: Session, photos: Sequence[Photo], *, limit: int) -> None:
    there: dict[str, dict[str, str]] = {photo.person.id: {} for photo in photos}  # person → digest → photo
    query = sa.select(Photo.person_id, Photo.upload_sha256, Photo.id).where(Photo.person_id.in_(there))
    for person_id, digest, photo_id in session.execute(query):
        there[person_id][digest] = photo_id
    for photo in photos:
        of_person = there[photo.person.id]
        if photo.upload_sha256 in of_person:
            raise PhotoAlreadyThere(photo_id=of_person[photo.upload_sha256])
        if len(of_person) >= limit:
            raise TooManyPhotos(limit=limit)
        of_person[photo.upload_sha256] = photo.id


def _deed(
    act: str, kind: str, record_id: str, *, by: Actor, case_id: str, now: datetime, reason: str | None = None
) -> audit.Deed:
    return audit.Deed(
        act,
        kind,
        record_id,
        user_id=by.user_id,
        organisation_id=by.organisation_id,
        at=now,
        case_id=case_id,
        reason=reason,
    )
