"""A picture drawn lot by lot is that of the rows one by one, of one moment, and of seals that all hold."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
import sqlalchemy as sa
from rich.progress import Progress

from api.accounts.policy import Role
from api.gallery import replica, rows
from api.gallery.lots import SQLITE_LOT, lots
from api.gallery.models import Face, TemplateRow
from api.gallery.sealing import seal_template
from api.kit.node import Node
from api.kit.problems import SealBroken
from benchmarks.node import add_user, fill_gallery
from index.errors import NotUnit, VectorRefused, WrongDimension
from index.live import LiveIndex
from index.types import Entry
from tests.index.exact_twin import held_by, units

CONTRACT, DIMENSION, COUNT = "0" * 16, 8, 2 * SQLITE_LOT + 300
MIDDLE = SQLITE_LOT + 77  # a key in the middle of the second lot


@pytest.fixture
def gallery(node: Node) -> Node:
    """COUNT templates with keys from 1, over several lots; every seventh is found no more, labels differ."""
    actor, _ = add_user(node, "shelter", Role.REGISTRAR, kind="shelter", region="330100")
    vectors = units(np.random.default_rng(7), COUNT, DIMENSION)
    fill_gallery(node, actor, contract=CONTRACT, vectors=vectors, progress=Progress(disable=True))
    key = TemplateRow.key
    set_rows(node, key % 7 == 0, active=False)
    set_rows(node, key % 5 == 0, kind=2, region=key, sex=key % 3, born_from=1900 + key % 90, seen_to=730_000 + key)
    return node


def set_rows(node: Node, which: sa.ColumnElement[bool], **cells: object) -> None:
    with node.db.write() as session:
        session.execute(sa.update(TemplateRow).where(which).values(**cells))


def one_by_one(node: Node) -> list[Entry]:
    with node.db.read() as session:
        keys = list(session.scalars(sa.select(TemplateRow.key).where(*rows.active(CONTRACT))))
        return list(rows.entries(session, node.vault, CONTRACT, keys=keys))


def sealed_anew(node: Node, key: int, vector: np.ndarray) -> None:
    with node.db.read() as session:
        face_id = session.scalars(sa.select(TemplateRow.face_id).where(TemplateRow.key == key)).one()
    set_rows(node, TemplateRow.key == key, sealed=seal_template(node.vault, vector, face_id=face_id, contract=CONTRACT))


@pytest.fixture
def live(gallery: Node) -> Iterator[LiveIndex]:
    """An index that a refused redrawing must leave as it is."""
    live = LiveIndex(replica.rebuild(gallery, CONTRACT, DIMENSION))
    before, stamp = held_by(live.entries()), live.stamp
    yield live
    assert (held_by(live.entries()), live.stamp) == (before, stamp)


def test_a_redrawn_index_holds_what_the_rows_say_one_by_one(gallery: Node) -> None:
    redrawn = replica.rebuild(gallery, CONTRACT, DIMENSION)
    assert held_by(redrawn.entries()) == held_by(one_by_one(gallery))
    assert redrawn.stamp.count == COUNT - COUNT // 7


def test_progress_is_told_lot_by_lot(gallery: Node) -> None:
    seen: list[tuple[int, int]] = []
    replica.rebuild(gallery, CONTRACT, DIMENSION, progress=lambda done, total: seen.append((done, total)))
    total = COUNT - COUNT // 7
    assert len(seen) >= 3
    assert seen == sorted(set(seen))
    assert seen[-1] == (total, total)


@pytest.mark.parametrize("altered", [b"", b"altered", b"\x01" + bytes(28 + 4 * DIMENSION), b"\x02" + bytes(60)])
def test_one_broken_seal_refuses_the_whole_picture(gallery: Node, live: LiveIndex, altered: bytes) -> None:
    set_rows(gallery, TemplateRow.key == MIDDLE, sealed=altered)
    with pytest.raises(SealBroken):
        replica.rebuild_live(gallery, live)


def test_a_seal_of_another_format_is_broken(gallery: Node, live: LiveIndex) -> None:
    with gallery.db.read() as session:
        true = session.scalars(sa.select(TemplateRow.sealed).where(TemplateRow.key == MIDDLE)).one()
    set_rows(gallery, TemplateRow.key == MIDDLE, sealed=b"\x02" + true[1:])
    with pytest.raises(SealBroken):
        replica.rebuild_live(gallery, live)


def test_a_seal_moved_to_the_next_row_is_broken(gallery: Node, live: LiveIndex) -> None:
    with gallery.db.read() as session:
        other = session.scalars(sa.select(TemplateRow.sealed).where(TemplateRow.key == MIDDLE + 1)).one()
    set_rows(gallery, TemplateRow.key == MIDDLE, sealed=other)
    with pytest.raises(SealBroken):
        replica.rebuild_live(gallery, live)


def test_a_face_whose_id_reads_as_two_opens_no_seal(gallery: Node, live: LiveIndex) -> None:
    with gallery.db.write() as session:
        ours = sa.select(TemplateRow.face_id).where(TemplateRow.key == MIDDLE)
        face = session.get_one(Face, session.scalars(ours).one())
        cells = {column.name: getattr(face, column.name) for column in Face.__table__.columns}
        session.execute(sa.insert(Face).values(cells | {"id": f"{face.id}\n{face.id}"}))
        session.execute(
            sa.update(TemplateRow).where(TemplateRow.face_id == face.id).values(face_id=f"{face.id}\n{face.id}")
        )
    with pytest.raises(SealBroken):
        replica.rebuild_live(gallery, live)


def test_one_template_of_another_dimension_is_named(gallery: Node, live: LiveIndex) -> None:
    sealed_anew(gallery, MIDDLE, units(np.random.default_rng(1), 1, 12)[0])
    with pytest.raises(WrongDimension) as refusal:
        replica.rebuild_live(gallery, live)
    assert refusal.value.facts == {"template": MIDDLE, "expected": DIMENSION, "got": 12}


def test_one_template_that_is_not_unit_is_named(gallery: Node, live: LiveIndex) -> None:
    sealed_anew(gallery, MIDDLE, np.full(DIMENSION, 0.5, np.float32))
    with pytest.raises(NotUnit) as refusal:
        replica.rebuild_live(gallery, live)
    assert refusal.value.facts == {"template": MIDDLE}


def test_a_label_too_large_for_the_index_is_refused(gallery: Node, live: LiveIndex) -> None:
    set_rows(gallery, TemplateRow.key == MIDDLE, kind=70_000)
    with pytest.raises(VectorRefused):
        replica.rebuild_live(gallery, live)


def test_keys_far_apart_and_another_contract_between_are_no_hindrance(gallery: Node) -> None:
    set_rows(gallery, TemplateRow.key == COUNT, key=40 * COUNT)
    set_rows(gallery, TemplateRow.key.between(SQLITE_LOT - 100, 2 * SQLITE_LOT - 100), contract="another")
    redrawn = replica.rebuild(gallery, CONTRACT, DIMENSION)
    assert held_by(redrawn.entries()) == held_by(one_by_one(gallery))
    assert 40 * COUNT in held_by(redrawn.entries())


def test_no_rows_are_an_empty_index(node: Node) -> None:
    assert list(replica.rebuild(node, CONTRACT, DIMENSION).entries()) == []


def test_all_lots_are_of_one_moment(gallery: Node) -> None:
    truth = {entry.template for entry in one_by_one(gallery)}
    with gallery.db.read() as session, closing(lots(session, gallery.vault, CONTRACT)) as read:
        seen = next(read).numbers[:, 0].tolist()
        set_rows(gallery, TemplateRow.key > SQLITE_LOT, active=False)
        for lot in read:
            seen += lot.numbers[:, 0].tolist()
    assert (set(seen), len(seen)) == (truth, len(truth))


def test_a_reader_that_stops_early_leaves_the_session_usable(gallery: Node) -> None:
    with gallery.db.read() as session:
        with closing(lots(session, gallery.vault, CONTRACT)) as read:
            next(read)
        assert rows.count_active(session, CONTRACT) == COUNT - COUNT // 7
