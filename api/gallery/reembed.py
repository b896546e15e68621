"""A change of model without downtime: every stored face gets a template under one more contract.

The stored pictures are looked at again; faces are told apart by their boxes. What is done stays done when this is
interrupted, and the next run goes on. Never touches a template of another contract.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.cases import service as cases
from api.cases.models import Photo
from api.gallery import service
from api.gallery.models import Face, TemplateRow
from api.kit.node import Node
from api.kit.problems import BlobMissing, Fact, SealBroken
from facematch import types as eye
from facematch.ensemble import pairs
from facematch.extractor import Extractor
from facematch.pipeline import Extracted, Refused, extract_many

PAGE = 500  # photos read at a time
BATCH = 8  # photos written in one transaction
Looked = Extracted[str] | Refused[str]  # by the photo's id


@dataclass(frozen=True)
class Unseen:
    """A stored face that the model did not see: its case, photo, and number among the faces of the photo."""

    case_id: str
    photo_id: str
    ordinal: int


@dataclass
class Report:
    """What became of the faces without a template: given one, not seen by this model, or their picture unreadable."""

    contract: str
    matched: int = 0
    unseen: list[Unseen] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # ids of photos

    @property
    def failed(self) -> set[str]:
        """Photos that need not be looked at again in this run."""
        return {*self.unreadable, *(face.photo_id for face in self.unseen)}


def photos_waiting(session: Session, contract: str) -> int:
    """How many photos show a face that has no template under a contract."""
    return session.scalar(sa.select(sa.func.count()).select_from(Photo).where(_waits(contract))) or 0


def reembed(node: Node, model: Extractor, *, workers: int, done: Callable[[int], None]) -> Report:
    """Give every stored face a template under this model's contract, those that arrive meanwhile too.

    Who can be found already is found under it as well, nobody else, and nobody is searched for anew. `done` is called
    with a number of photos. Raises DeviceUnavailable.
    """
    report = Report(model.contract)
    with node.db.read() as session:
        waiting = photos_waiting(session, model.contract)
    _remember(node, "model-migration-begun", model.contract, photos=waiting)
    while _pass(node, model, report, workers=workers, done=done):
        pass  # again for what has arrived meanwhile
    outcome = {"faces": report.matched, "unseen": len(report.unseen), "unreadable": len(report.unreadable)}
    _remember(node, "model-migration-ended", model.contract, **outcome)
    return report


def _pass(node: Node, model: Extractor, report: Report, *, workers: int, done: Callable[[int], None]) -> int:
    """Look once at every photo that waits; returns how many did."""
    looked_at, failed = 0, report.failed
    looked = extract_many(model, _pictures(node, report, failed), workers=workers)
    while batch := list(islice(looked, BATCH)):
        with node.db.write() as session:
            _write_down(session, node, batch, report)
        looked_at += len(batch)
        done(len(batch))
    return looked_at


def _pictures(node: Node, report: Report, failed: Collection[str]) -> Iterator[tuple[str, bytes]]:
    after = ""
    while page := _page(node, report.contract, after):
        for photo_id, blob in page:
            if photo_id in failed:
                continue
            try:
                picture = node.blobs.get(blob)
            except (BlobMissing, SealBroken):
                report.unreadable.append(photo_id)
                continue
            yield photo_id, picture
        after = page[-1][0]


def _page(node: Node, contract: str, after: str) -> list[tuple[str, str]]:
    query = sa.select(Photo.id, Photo.blob).where(Photo.id > after, _waits(contract)).order_by(Photo.id).limit(PAGE)
    with node.db.read() as session:
        return [(photo_id, blob) for photo_id, blob in session.execute(query)]


def _waits(contract: str) -> sa.ColumnElement[bool]:
    has_one = sa.exists().where(TemplateRow.face_id == Face.id, TemplateRow.contract == contract)
    return sa.exists().where(Face.photo_id == Photo.id, ~has_one)


def _write_down(session: Session, node: Node, batch: Sequence[Looked], report: Report) -> None:
    """Templates for the faces that still want one; their cases are held, so that two runs never write the same."""
    report.unreadable += [looked.key for looked in batch if isinstance(looked, Refused)]
    seen = {looked.key: looked.faces for looked in batch if isinstance(looked, Extracted)}
    case_ids = session.scalars(sa.select(Photo.case_id).where(Photo.id.in_(seen)).distinct()).all()
    cases.hold_many(session, case_ids)
    rows: list[dict[str, object]] = []
    for photo in session.scalars(sa.select(Photo).where(Photo.id.in_(seen)).order_by(Photo.id)):
        rows += _templates(session, node, photo, seen[photo.id], report)
    if rows:
        session.execute(sa.insert(TemplateRow), rows)
        service.reconcile_cases(session, case_ids, now=node.clock())
    report.matched += len(rows)


def _templates(
    session: Session, node: Node, photo: Photo, seen: Sequence[eye.Face], report: Report
) -> list[dict[str, object]]:
    stored = service.faces_of_photo(session, photo.id)
    query = sa.select(TemplateRow.face_id).where(TemplateRow.contract == report.contract)
    done = set(session.scalars(query.where(TemplateRow.face_id.in_([face.id for face in stored]))))
    same = dict(pairs([_detection(face) for face in stored], [face.detection for face in seen]))
    rows: list[dict[str, object]] = []
    for place, face in enumerate(stored):
        if face.id not in done and place in same:
            rows += service.template_rows(node.vault, photo, face, seen[same[place]])
        elif face.id not in done:
            report.unseen.append(Unseen(photo.case_id, photo.id, face.ordinal))
    return rows


def _detection(face: Face) -> eye.Detection:
    return eye.Detection(eye.Box(*face.box), np.asarray(face.landmarks, np.float32), face.confidence)


def _remember(node: Node, act: str, contract: str, **facts: Fact) -> None:
    with node.db.write() as session:
        deed = audit.Deed(act, "contract", contract, user_id=None, organisation_id=None, at=node.clock())
        audit.record(session, deed, **facts)
