"""Pictures that come with a form, let in one by one. A refused picture never costs the reader what they wrote."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from api.accounts.policy import Actor
from api.cases import photos
from api.gallery import enrol
from api.gallery.matcher import Matcher
from api.kit.node import Node
from facematch.errors import ImageRefused


@dataclass(frozen=True)
class LetIn:
    """Pictures that were stored, the codes of those that were not, and what was said about all of them."""

    prepared: Sequence[photos.Prepared]
    refused: Sequence[str]
    role: str
    taken_on: str
    source: str = ""
    person_id: str | None = None

    def of_person(self, person_id: str) -> "LetIn":
        """The same pictures, said to show this person."""
        return replace(self, person_id=person_id)


def let_in(node: Node, files: Iterable[bytes], *, role: str, taken_on: str, source: str = "") -> LetIn:
    """Look at each picture, outside any transaction."""
    prepared, refused = [], []
    for data in files:
        try:
            prepared.append(photos.prepare(node, data))
        except ImageRefused as why:
            refused.append(why.code)
    return LetIn(prepared, refused, role, taken_on, source)


def add_all(session: Session, actor: Actor, case_id: str, pictures: LetIn, *, node: Node, now: datetime) -> list[str]:
    """Add what was let in to a case; answers the codes of every picture that was left out."""
    refused = list(pictures.refused)
    for prepared in pictures.prepared:
        try:
            photos.accept_photo(
                session,
                actor,
                case_id,
                prepared,
                person_id=pictures.person_id,
                role=pictures.role,
                taken_on=pictures.taken_on,
                source=pictures.source,
                settings=node.settings,
                now=now,
            )
        except (photos.PhotoAlreadyThere, photos.TooManyPhotos) as why:
            refused.append(why.code)
    return refused


def examine(node: Node, matcher: Matcher, case_id: str, *, now: datetime) -> None:
    """Find the faces in a case's new pictures at once, so that nobody waits; the worker's job then finds them done."""
    with node.db.read() as session:
        new = [photo.id for photo in photos.list_photos(session, case_id) if photo.state == "received"]
    for photo_id in new:
        enrol.enrol_photo(node, matcher, photo_id, now=now)


def onward(node: Node, location: str, refused: Iterable[str]) -> str:
    """Where to go from new pictures: to the first in which a face must be chosen, or to the case page at `location`.

    The case page is told which pictures were left out.
    """
    if codes := ",".join(sorted(set(refused))):
        return f"{location}?left_out={codes}"
    with node.db.read() as session:
        return next_choice(session, location.rsplit("/", 1)[1]) or location


def next_choice(session: Session, case_id: str) -> str | None:
    """Where the next picture of the case waits for its face to be chosen; probes are chosen when they are searched."""
    pictures = photos.list_photos(session, case_id)
    waiting = (each.id for each in pictures if each.state == "needs_choice" and each.role in photos.ENROLLED_ROLES)
    return next((f"/photos/{photo_id}/faces" for photo_id in waiting), None)
