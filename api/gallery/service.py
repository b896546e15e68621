"""Faces of photographs, which of them stand for their person, and which templates searches may find.

One rule says what is found (`reconcile_case`); every change is numbered, so that each index can replay it.
Never computes a template and never hands one to a reader.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.audit import service as audit
from api.cases import photos, states
from api.cases import policy as case_policy
from api.cases import service as cases
from api.cases.models import Case, Photo
from api.gallery import policy
from api.gallery.models import KINDS, Face, GalleryChange, GalleryHead, TemplateRow
from api.gallery.sealing import open_template, seal_template
from api.jobs import queue
from api.kit import ids
from api.kit.node import Node
from api.kit.problems import NotFound, WrongState
from api.kit.vault import Vault
from facematch import images
from facematch import types as eye

ONLY_FACE = "only-face"
CROP_SIDE = 480
FOUND = ("find_none", "find_one", "find_several")  # the photo's event by the number of its faces


def add_faces(session: Session, vault: Vault, photo: Photo, seen: Sequence[eye.Face], *, now: datetime) -> list[Face]:
    """Write down the faces that were found in a received photo; a single one is chosen. Raises WrongState."""
    faces = [_face(photo, ordinal, face, now=now) for ordinal, face in enumerate(seen)]
    session.add_all(faces)
    session.flush()
    for face, found in zip(faces, seen, strict=True):
        session.add(_template(vault, photo, face, found))
    photos.move_photo(session, photo, FOUND[min(len(faces), 2)])
    if len(faces) == 1:
        faces[0].chosen_by, faces[0].chosen_at = ONLY_FACE, now
    session.flush()
    audit.record(session, _deed("faces-found", photo, by=None, now=now), faces=len(faces), state=photo.state)
    return faces


def choose_face(session: Session, actor: Actor, photo_id: str, face_id: str, *, now: datetime) -> Face:
    """Say which face is the person's; an earlier choice is taken back. Raises NotPermitted, NotFound, WrongState."""
    permit(actor, Act.CHOOSE_FACE)
    photo = case_policy.get_own_photo(session, actor, photo_id)
    case = session.get_one(Case, photo.case_id)
    cases.hold(session, case, revision=None)
    cases.refuse_ended(case, event="choose_face")
    session.refresh(photo, ["state"])
    faces = faces_of_photo(session, photo.id)
    chosen = next((face for face in faces if face.id == face_id), None)
    if chosen is None:
        raise NotFound if faces else WrongState(record=states.PHOTO.name, state=photo.state, event="choose")
    photos.move_photo(session, photo, "choose")
    for face in faces:
        face.chosen_by, face.chosen_at = (actor.user_id, now) if face is chosen else (None, None)
    audit.record(session, _deed("face-chosen", photo, by=actor, now=now), face=chosen.id, of=len(faces))
    reconcile_case(session, case.id, now=now)
    return chosen


def reconcile_case(session: Session, case_id: str, *, now: datetime) -> None:
    """Make active exactly the templates of chosen faces, in photos of enrolled roles, of a case that is searched for.

    Whoever becomes active is at once asked of everybody who waits, by the job `search.standing`.
    """
    case = session.get(Case, case_id)
    if case is None:
        return
    cases.hold(session, case, revision=None)
    session.flush()
    searched = case.state in states.SEARCHABLE[case.kind]
    query = sa.select(TemplateRow, Face).join(Face, TemplateRow.face_id == Face.id).join(Photo)
    pairs = session.execute(query.where(Photo.case_id == case_id).order_by(TemplateRow.key)).all()
    wanted = {face.id for _, face in pairs if searched and _stands_for_somebody(face)}
    begun = [(template, face) for template, face in pairs if face.id in wanted and not template.active]
    deactivate(session, [template for template, face in pairs if face.id not in wanted], now=now)
    activate(session, [template for template, _ in begun], now=now)
    for face_id, person_id in {face.id: face.photo.person_id for _, face in begun}.items():
        queue.put(session, "search.standing", {"person_id": person_id, "face_id": face_id}, now=now, case_id=case_id)


def activate(session: Session, templates: Sequence[TemplateRow], *, now: datetime) -> None:
    """Let searches find templates; each is one numbered change."""
    _change(session, templates, present=True, now=now)


def deactivate(session: Session, templates: Sequence[TemplateRow], *, now: datetime) -> None:
    """Let searches find templates no longer; each is one numbered change."""
    _change(session, templates, present=False, now=now)


def faces_of_photo(session: Session, photo_id: str) -> list[Face]:
    """Every face of a photo in the order in which they were found."""
    return list(session.scalars(sa.select(Face).where(Face.photo_id == photo_id).order_by(Face.ordinal)))


def faces_of_person(session: Session, person_id: str) -> list[Face]:
    """The chosen faces of a person, oldest photo first."""
    chosen = (Photo.person_id == person_id, Face.chosen_by.is_not(None))
    return list(session.scalars(sa.select(Face).join(Photo).where(*chosen).order_by(Photo.id)))


def template_of(session: Session, vault: Vault, face_id: str, contract: str) -> NDArray[np.float32] | None:
    """A face's template (d,) float32 of norm 1 under a contract, or None where there is none. Raises SealBroken."""
    query = sa.select(TemplateRow.sealed).where(TemplateRow.face_id == face_id, TemplateRow.contract == contract)
    sealed = session.scalar(query)
    return None if sealed is None else open_template(vault, sealed, face_id=face_id, contract=contract)


def gallery_size(session: Session, contract: str, kind: int, regions: Sequence[str]) -> int:
    """How many persons of a kind (KINDS) searches can find in regions given by GB/T 2260 prefixes; none: everywhere."""
    active = (TemplateRow.contract == contract, TemplateRow.kind == kind, TemplateRow.active.is_(True))
    query = sa.select(sa.func.count(sa.distinct(TemplateRow.person_key))).where(*active)
    if regions:
        query = query.where(sa.or_(*(_within(prefix) for prefix in regions)))
    return session.scalar(query) or 0


def regions_within(session: Session, contract: str, prefixes: Sequence[str]) -> frozenset[int]:
    """The region numbers of the gallery that begin with one of the prefixes; without a prefix all of them."""
    active = (TemplateRow.contract == contract, TemplateRow.active.is_(True))
    query = sa.select(TemplateRow.region).distinct().where(*active)
    if prefixes:
        query = query.where(sa.or_(*(_within(prefix) for prefix in prefixes)))
    return frozenset(session.scalars(query))


def view_face(session: Session, actor: Actor, face_id: str, *, reason: str, now: datetime) -> Face:
    """A face somebody is about to see; remembered with the reason. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CASE)
    face = policy.get_visible_face(session, actor, face_id)
    case_id = face.photo.case_id
    photos.record_view(session, actor, kind="face", record_id=face.id, case_id=case_id, reason=reason, now=now)
    return face


def face_picture(node: Node, face: Face, *, max_side: int = CROP_SIDE) -> bytes:
    """JPEG of one face with a margin; who may see it, and that it was seen, is the caller's. Raises BlobMissing."""
    x, y, width, height = (float(number) for number in face.box)
    return images.face_picture(node.blobs.get(face.photo.blob), eye.Box(x, y, width, height), max_side=max_side)


def _change(session: Session, templates: Sequence[TemplateRow], *, present: bool, now: datetime) -> None:
    for contract in sorted({template.contract for template in templates}):
        head = _locked_head(session, contract)
        for template in templates:
            if template.contract != contract or template.active == present:
                continue
            head.revision += 1
            template.active = present
            session.add(
                GalleryChange(
                    contract=contract, revision=head.revision, template_key=template.key, present=present, at=now
                )
            )
        session.flush()


def _locked_head(session: Session, contract: str) -> GalleryHead:
    head = session.get(GalleryHead, contract, with_for_update=True, populate_existing=True)
    if head is None:
        try:
            with session.begin_nested():
                session.add(GalleryHead(contract=contract, revision=0))
        except IntegrityError:
            pass  # another process made it first; ours would have been the same
        head = session.get_one(GalleryHead, contract, with_for_update=True, populate_existing=True)
    return head


def _stands_for_somebody(face: Face) -> bool:
    return face.chosen_by is not None and face.photo.role in photos.ENROLLED_ROLES


def _face(photo: Photo, ordinal: int, seen: eye.Face, *, now: datetime) -> Face:
    box, marks = seen.detection.box, seen.detection.landmarks
    return Face(
        id=ids.new_id(now),
        photo=photo,
        ordinal=ordinal,
        box=[round(float(number), 2) for number in (box.x, box.y, box.width, box.height)],
        landmarks=[[round(float(x), 2), round(float(y), 2)] for x, y in marks],
        eye_distance=float(np.linalg.norm(marks[1] - marks[0])),
        confidence=float(seen.detection.confidence),
        quality={name: round(float(value), 1) for name, value in seen.quality.components.items()},
        chosen_by=None,
        chosen_at=None,
    )


def _template(vault: Vault, photo: Photo, face: Face, seen: eye.Face) -> TemplateRow:
    return TemplateRow(
        face_id=face.id,
        person_key=photo.person.key,
        contract=seen.contract,
        kind=KINDS[photo.person.kind],
        region=int(photo.person.case.region),
        key_id=vault.key_id,
        sealed=seal_template(vault, seen.template, face_id=face.id, contract=seen.contract),
        active=False,
    )


def _within(prefix: str) -> sa.ColumnElement[bool]:
    span = 10 ** (6 - len(prefix))
    first = int(prefix or "0") * span
    return TemplateRow.region.between(first, first + span - 1)


def _deed(act: str, photo: Photo, *, by: Actor | None, now: datetime) -> audit.Deed:
    return audit.Deed(
        act,
        "photo",
        photo.id,
        user_id=by.user_id if by else None,
        organisation_id=by.organisation_id if by else None,
        at=now,
        case_id=photo.case_id,
    )
