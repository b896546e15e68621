"""The benchmark of redrawing measures the real way from the rows, on a small gallery."""

import pytest
import sqlalchemy as sa
from rich.progress import Progress

from api.gallery import replica
from api.gallery.models import TemplateRow
from api.kit.problems import SealBroken
from benchmarks import rebuild
from benchmarks.node import temporary_node


def test_every_stage_is_timed_on_rows_that_a_rebuild_finds() -> None:
    with temporary_node(embedded_worker=False) as node:
        rows = rebuild.rows_of("SQLite", node, 50, Progress(disable=True))
        assert replica.rebuild(node, rebuild.CONTRACT, rebuild.DIMENSION).stamp.count == 50
    assert [(row.measure.rpartition(": ")[2], row.target) for row in rows] == [
        ("reading the rows", None),
        ("reading and unsealing", None),
        ("the whole", rebuild.TARGET),
    ]


def test_a_broken_seal_is_noticed_while_unsealing_is_timed() -> None:
    with temporary_node(embedded_worker=False) as node:
        rebuild.rows_of("SQLite", node, 5, Progress(disable=True))
        with node.db.write() as session:
            session.execute(sa.update(TemplateRow).values(sealed=b"altered"))
        with pytest.raises(SealBroken):
            rebuild.unseal(node)
