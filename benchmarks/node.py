"""A node of its own for benchmarks that measure the whole service: temporary home, users, many registered faces.

It never touches a node somebody uses.
"""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from rich.progress import Progress

from api import migrations
from api.accounts import service as accounts
from api.accounts.policy import Actor, Role
from api.accounts.schemas import NewOrganisation, NewUser
from api.cases.models import Case, FoundPerson, Person, Photo
from api.gallery.models import KINDS, Face, GalleryHead, TemplateRow
from api.gallery.sealing import seal_template
from api.kit.ids import new_id
from api.kit.node import Node, open_node
from api.kit.settings import Settings

BATCH = 5000


@contextmanager
def temporary_node(**settings: object) -> Iterator[Node]:
    """A migrated node in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="lighthouse-benchmark-") as folder:
        node = open_node(Settings(home=Path(folder), **settings))  # type: ignore[arg-type]
        migrations.upgrade(node.db)
        yield node
        node.close()


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


def fill_gallery(node: Node, actor: Actor, *, contract: str, vectors: NDArray[np.float32], progress: Progress) -> None:
    """Register one found person with one enrolled face for each unit vector (n, d), straight into the tables."""
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
            )
        progress.update(task, completed=start + BATCH)
    with node.db.write() as session:
        session.add(GalleryHead(contract=contract, revision=len(vectors)))


def _fill(
    connection: sa.Connection, node: Node, actor: Actor, *, contract: str, vectors: NDArray[np.float32], start: int
) -> None:
    now = node.clock()
    keys = range(start + 1, start + 1 + len(vectors))
    ids = {key: new_id(now) for key in keys}
    case: dict[str, object] = {
        "kind": "found_person",
        "organisation_id": actor.organisation_id,
        "region": actor.organisation_region,
    }
    case |= {"state": "registered", "revision": 1, "legal_basis": "statutory_duty", "created_by": actor.user_id}
    case |= {"created_at": now, "updated_at": now}
    found = {
        "found_on": "2026-01-01",
        "found_place": "",
        "dialect": "",
        "communication": "unknown",
        "clothing": "",
        "belongings": "",
    }
    person = {
        "kind": "found",
        "name": "",
        "sex": 0,
        "birth_date": "",
        "age_low": 30,
        "age_high": 40,
        "described_on": "2026-01-01",
        "marks": "",
    }
    photo = {
        "role": "capture",
        "state": "enrolled",
        "blob": "",
        "width": 250,
        "height": 250,
        "taken_on": "2026-01-01",
        "source": "",
    }
    photo |= {"added_by": actor.user_id, "added_at": now}
    face: dict[str, object] = {
        "ordinal": 0,
        "box": [60, 60, 130, 130],
        "landmarks": [[0, 0]] * 5,
        "eye_distance": 60.0,
        "confidence": 0.9,
    }
    face |= {"quality": {}, "chosen_by": "only-face", "chosen_at": now}
    template: dict[str, object] = {
        "contract": contract,
        "kind": KINDS["found"],
        "region": int(actor.organisation_region),
        "key_id": node.vault.key_id,
        "active": True,
    }
    sealed = {
        key: seal_template(node.vault, vector, face_id=ids[key], contract=contract)
        for key, vector in zip(keys, vectors, strict=True)
    }
    tables: dict[sa.FromClause, list[dict[str, object]]] = {
        Case.__table__: [{"id": ids[key], **case} for key in keys],
        FoundPerson.__table__: [{"id": ids[key], "protect_location": True, **found} for key in keys],
        Person.__table__: [{"key": key, "id": ids[key], "case_id": ids[key], **person} for key in keys],
        Photo.__table__: [
            {"id": ids[key], "case_id": ids[key], "person_id": ids[key], "upload_sha256": ids[key], **photo}
            for key in keys
        ],
        Face.__table__: [{"id": ids[key], "photo_id": ids[key], **face} for key in keys],
        TemplateRow.__table__: [
            {"key": key, "face_id": ids[key], "person_key": key, "sealed": sealed[key], **template} for key in keys
        ],
    }
    for table, rows in tables.items():
        connection.execute(sa.insert(cast(sa.Table, table)), rows)
