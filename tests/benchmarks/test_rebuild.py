"""The benchmark of redrawing measures the real way from the rows, on a small gallery."""

from rich.progress import Progress

from api.gallery import replica
from benchmarks import rebuild
from benchmarks.node import temporary_node


def test_every_stage_is_timed_on_rows_that_a_rebuild_finds() -> None:
    with temporary_node(embedded_worker=False) as node:
        rows = rebuild.rows_of("SQLite", node, 50, Progress(disable=True))
        assert replica.rebuild(node, rebuild.CONTRACT, rebuild.DIMENSION).stamp.count == 50
    read, unsealed, whole = (row.value for row in rows)
    assert min(read, unsealed, whole) > 0
    assert [row.target for row in rows] == [None, None, rebuild.TARGET]
