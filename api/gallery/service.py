"""Faces of photographs, which of them stand for their person, and which templates searches may find.

One rule says what is found (`reconcile_cases`); `history` numbers every change.
Never computes a template and never hands one to a reader.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.audit import service as audit
from api.cases import photos, states
from api.cases import policy as case_policy
from api.cases import service as cases
from api.cases.models import Case, Person, Photo
from api.gallery import history, policy
from api.gallery.labels import Labels, labels_of
from api.gallery.models import KINDS, Face, TemplateRow
from api.gallery.schemas import UTILITY
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
STANDING = (
    *(TemplateRow.sex, TemplateRow.born_from, TemplateRow.born_to, TemplateRow.seen_from, TemplateRow.seen_to),
    *(TemplateRow.key, TemplateRow.contract, TemplateRow.active, TemplateRow.face_id, Face.chosen_by),
    *(Photo.role, Photo.person_id, Photo.case_id, Case.state, Case.kind.label("case_kind")),
)


def add_faces(session: Session, vault: Vault, photo: Photo, seen: Sequence[eye.Face], *, now: datetime) -> list[Face]:
    """Write down the faces that were found in a received photo; a single one is chosen. Raises WrongState."""
    return add_faces_of_many(session, vault, [(photo, seen)], now=now)


def add_faces_of_many(
    session: Session, vault: Vault, looked_at: Sequence[tuple[Photo, Sequence[eye.Face]]], *, now: datetime
) -> list[Face]:
    """Write down the faces of many received photos, in the order given. Raises WrongState."""
    faces: list[Face] = []
    templates: list[dict[str, object]] = []
    for photo, seen in looked_at:
        photos.move_photo(photo, FOUND[min(len(seen), 2)])
        chosen = (ONLY_FACE, now) if len(seen) == 1 else (None, None)
        for ordinal, found in enumerate(seen):
            faces.append(_face(photo, ordinal, found, chosen=chosen, now=now))
            templates += template_rows(vault, photo, faces[-1], found)
        audit.record(session, _deed("faces-found", photo, by=None, now=now), faces=len(seen), state=photo.state)
    session.add_all(faces)
    session.flush()
    if templates:
        session.execute(sa.insert(TemplateRow), templates)
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
    photos.move_photo(photo, "choose")
    for face in faces:
        face.chosen_by, face.chosen_at = (actor.user_id, now) if face is chosen else (None, None)
    audit.record(session, _deed("face-chosen", photo, by=actor, now=now), face=chosen.id, of=len(faces))
    reconcile_case(session, case.id, now=now)
    return chosen


def reconcile_case(session: Session, case_id: str, *, now: datetime) -> None:
    """`reconcile_cases` for one case."""
    reconcile_cases(session, [case_id], now=now)


def reconcile_cases(session: Session, case_ids: Collection[str], *, now: datetime) -> None:
    """Make active exactly the templates of chosen faces, in photos of enrolled roles, of cases that are searched for.

    All carry the labels of their persons as they are written now.
    Whoever becomes active is at once asked of everybody who waits, by the job `search.standing`.
    """
    cases.hold_many(session, case_ids)
    query = sa.select(*STANDING).select_from(TemplateRow).join(Face).join(Photo).join(Case)
    rows = session.execute(query.where(Photo.case_id.in_(case_ids)).order_by(TemplateRow.key)).all()
    wanted = {row.face_id for row in rows if _stands_for_somebody(row)}
    history.relabel(session, _labelled_otherwise(session, rows), now=now)
    begun = [row for row in rows if row.face_id in wanted and not row.active]
    history.deactivate(session, [row for row in rows if row.face_id not in wanted], now=now)
    history.activate(session, begun, now=now)
    known = {row.face_id for row in rows if row.active}  # under another contract: nobody new to be asked about
    asked = {
        row.face_id: ({"person_id": row.person_id, "face_id": row.face_id}, row.case_id)
        for row in begun
        if row.face_id not in known
    }
    queue.put_all(session, "search.standing", asked.values(), now=now)


def faces_of_photo(session: Session, photo_id: str) -> list[Face]:
    """Every face of a photo in the order in which they were found."""
    return list(session.scalars(sa.select(Face).where(Face.photo_id == photo_id).order_by(Face.ordinal)))


def faces_of_person(session: Session, person_id: str) -> list[Face]:
    """The chosen faces of a person, oldest photo first."""
    chosen = (Photo.person_id == person_id, Face.chosen_by.is_not(None))
    return list(session.scalars(sa.select(Face).join(Photo).where(*chosen).order_by(Photo.id)))


def template_rows(vault: Vault, photo: Photo, face: Face, seen: eye.Face) -> list[dict[str, object]]:
    """Rows for the templates of a stored face that was seen in its photo; searches do not find them yet."""
    said = {
        "face_id": face.id,
        "person_key": photo.person.key,
        "kind": KINDS[photo.person.kind],
        "region": int(photo.person.case.region),
        **labels_of(photo.person)._asdict(),
        "key_id": vault.key_id,
        "active": False,
    }
    return [
        {
            **said,
            "contract": contract,
            "sealed": seal_template(vault, template, face_id=face.id, contract=contract),
        }
        for contract, template in seen.templates.items()
    ]


def templates_of(
    session: Session, vault: Vault, face_id: str, contracts: Collection[str]
) -> dict[str, NDArray[np.float32]]:
    """A face's templates (d,) float32 of norm 1 under those of these contracts that have one. Raises SealBroken."""
    return templates_of_faces(session, vault, [face_id], contracts)[face_id]


def templates_of_faces(
    session: Session, vault: Vault, face_ids: Sequence[str], contracts: Collection[str]
) -> dict[str, dict[str, NDArray[np.float32]]]:
    """`templates_of` for many faces, by their ids."""
    query = sa.select(TemplateRow.face_id, TemplateRow.contract, TemplateRow.sealed)
    query = query.where(TemplateRow.face_id.in_(face_ids), TemplateRow.contract.in_(contracts))
    templates: dict[str, dict[str, NDArray[np.float32]]] = {face_id: {} for face_id in face_ids}
    for face_id, contract, sealed in session.execute(query.order_by(TemplateRow.key)):
        templates[face_id][contract] = open_template(vault, sealed, face_id=face_id, contract=contract)
    return templates


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


def _labelled_otherwise(session: Session, rows: Sequence[Any]) -> Iterator[tuple[Any, Labels]]:
    """The templates whose labels are not those of their person, with the right ones."""
    people = sa.select(Person).where(Person.id.in_({row.person_id for row in rows}))
    persons = session.scalars(people.execution_options(populate_existing=True))
    labels = {person.id: labels_of(person) for person in persons}
    for row in rows:
        if row[: len(Labels._fields)] != labels[row.person_id]:
            yield row, labels[row.person_id]


def _stands_for_somebody(row: Any) -> bool:
    searched = row.state in states.SEARCHABLE[row.case_kind]
    return searched and row.chosen_by is not None and row.role in photos.ENROLLED_ROLES


def _face(
    photo: Photo, ordinal: int, seen: eye.Face, *, chosen: tuple[str | None, datetime | None], now: datetime
) -> Face:
    box, marks = seen.detection.box, seen.detection.landmarks
    return Face(
        id=ids.new_id(now),
        photo=photo,
        ordinal=ordinal,
        box=[round(float(number), 2) for number in (box.x, box.y, box.width, box.height)],
        landmarks=[[round(float(x), 2), round(float(y), 2)] for x, y in marks],
        eye_distance=float(np.linalg.norm(marks[1] - marks[0])),
        confidence=float(seen.detection.confidence),
        quality=_quality(seen.quality),
        chosen_by=chosen[0],
        chosen_at=chosen[1],
    )


def _quality(seen: eye.Quality) -> dict[str, Any]:
    """Components and their UnifiedQualityScore as they are stored; `causes` name what hurts, worst first."""
    values = {**seen.components, UTILITY: seen.utility}
    return {name: round(float(value), 1) for name, value in values.items()} | {"causes": list(seen.causes)}


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
