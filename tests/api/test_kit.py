"""The ground: sealing, blobs, paging, ids, languages, state tables, logs, keys, idempotency."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from api.kit import ids, logs
from api.kit.blobs import Blobs
from api.kit.db import Database
from api.kit.i18n import choose_language
from api.kit.idempotency import Once
from api.kit.node import Node, open_node
from api.kit.problems import BlobMissing, IdempotencyKeyReused, KeyMissing, SealBroken, WrongState
from api.kit.settings import Settings
from api.kit.transitions import Transitions
from api.kit.vault import Vault, open_vault

KEY = bytes(range(32))
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


class Made(BaseModel):
    id: str


@given(st.binary(max_size=200), st.text(max_size=20))
def test_sealed_bytes_open_only_for_their_row(plain: bytes, row: str) -> None:
    vault = Vault(KEY)
    sealed = vault.seal("template", plain, belongs_to=row)
    assert vault.open("template", sealed, belongs_to=row) == plain
    with pytest.raises(SealBroken):
        vault.open("template", sealed, belongs_to=row + "x")


@pytest.mark.parametrize("position", range(0, 45, 4))
def test_one_flipped_bit_breaks_the_seal(position: int) -> None:
    sealed = bytearray(Vault(KEY).seal("blob", b"sixteen bytes ok", belongs_to="a"))
    sealed[position] ^= 1
    with pytest.raises(SealBroken):
        Vault(KEY).open("blob", bytes(sealed), belongs_to="a")


def test_purposes_have_keys_of_their_own() -> None:
    sealed = Vault(KEY).seal("blob", b"x", belongs_to="a")
    with pytest.raises(SealBroken):
        Vault(KEY).open("template", sealed, belongs_to="a")


def test_a_home_with_pictures_never_gets_a_new_key(tmp_path: Path) -> None:
    open_node(Settings(home=tmp_path, embedded_worker=False)).close()
    (tmp_path / "keys" / "master.key").unlink()
    with pytest.raises(KeyMissing):
        open_node(Settings(home=tmp_path, embedded_worker=False))


def test_the_key_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    open_vault(tmp_path / "master.key", may_create=True)
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


def test_blobs_hold_no_plaintext_and_no_draft(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, Vault(KEY))
    name = blobs.put(b"a face " * 100)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [name]
    assert b"a face" not in files[0].read_bytes()
    assert blobs.get(name) == b"a face " * 100


def test_a_missing_blob_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(BlobMissing):
        Blobs(tmp_path, Vault(KEY)).get("0" * 64)


def test_ids_sort_by_the_moment_they_were_made() -> None:
    made = [ids.new_id(MOMENT + timedelta(milliseconds=n)) for n in range(50)]
    assert made == sorted(made)
    assert all(re.fullmatch(f"[{ids.ALPHABET}]{{26}}", id_) for id_ in made)


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("zh-CN,zh;q=0.9", "zh_Hans"),
        ("zh_TW.UTF-8", "zh_Hans"),
        ("en-GB", "en"),
        ("fr,zh;q=0.5", "zh_Hans"),
        (None, "en"),
    ],
)
def test_language_follows_what_the_reader_asks(wanted: str | None, language: str) -> None:
    assert choose_language(wanted) == language


def test_a_state_table_with_a_pair_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        Transitions.of("door", "open", [("open", "close", "closed"), ("open", "close", "locked")])


def test_an_event_that_does_not_fit_is_refused_with_its_facts() -> None:
    door = Transitions.of("door", "open", [("open", "close", "closed")])
    with pytest.raises(WrongState) as refusal:
        door.move("closed", "close")
    assert refusal.value.facts == {"record": "door", "state": "closed", "event": "close"}


def test_logs_refuse_pictures_vectors_and_long_text() -> None:
    event = {"event": "x", "picture": b"\xff\xd8", "vector": np.zeros(3), "text": "a" * 500, "faces": 2}
    kept = logs.refuse_by_type(None, "info", event)
    assert kept == {
        "event": "x",
        "picture": "<bytes refused>",
        "vector": "<ndarray refused>",
        "text": "<str refused>",
        "faces": 2,
    }


def test_the_same_key_answers_the_same_and_another_body_is_refused(node: Node, now: datetime) -> None:
    made: list[int] = []

    def create() -> Made:
        made.append(1)
        return Made(id=str(len(made)))

    for _ in range(2):
        with node.db.write() as session:
            assert Once("k", "u", "digest", now).answer(session, create) == {"id": "1"}
    with pytest.raises(IdempotencyKeyReused), node.db.write() as session:
        Once("k", "u", "another", now).answer(session, create)
    assert made == [1]


def test_a_rolled_back_act_leaves_no_stored_answer(node: Node, now: datetime) -> None:
    with pytest.raises(RuntimeError), node.db.write() as session:
        Once("k", "u", "digest", now).keep(session, {"id": "1"})
        raise RuntimeError
    with node.db.read() as session:
        assert Once("k", "u", "digest", now).recall(session) is None


def test_a_writer_that_read_first_does_not_fail_when_another_commits(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with db.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE t (n INTEGER)")
    with db.read() as reader:
        reader.connection().exec_driver_sql("SELECT count(*) FROM t")
        for _ in range(3):
            with db.write() as writer:
                writer.connection().exec_driver_sql("SELECT count(*) FROM t")
                writer.connection().exec_driver_sql("INSERT INTO t VALUES (1)")
        assert reader.connection().exec_driver_sql("SELECT count(*) FROM t").scalar() == 0
    db.close()


def test_several_templates_lie_in_a_page_of_a_new_file(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'new.sqlite'}")
    with db.read() as session:
        (page,) = session.connection().exec_driver_sql("PRAGMA page_size").one()
    db.close()
    assert page >= 3 * (512 * 4 + 29 + 200)
