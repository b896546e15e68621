"""The index on a Milvus server: one collection for each contract, shared by every process of a node.

It never says "nobody" when it could not look: what the server does not answer is a refusal.

The rows stay the truth. The stamp lies beside the templates and is written after them, and to put or remove a template
twice is the same as once: whoever was stopped in the middle is followed by somebody who begins at the old stamp. That
one process at a time writes is the caller's promise: an older change applied after a newer one would bring it back. A
picture drawn anew is a collection of its own, and an alias passes to it when it is whole.

Every read is Strong: it sees everything that was written before it was asked, by whomever. While changes are being
applied a reader may see some of them and not yet others; never less than the revision it has caught up with.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Literal

from pymilvus import MilvusClient

from index import admission, milvus_rows
from index.errors import EngineUnavailable
from index.milvus_link import PATIENT_S, STRONG, Link
from index.milvus_search import Hits, best_persons
from index.slots import last_of_each
from index.store import Rows
from index.types import EVERYTHING, Change, Entry, Filter, Lot, Neighbour, Server, Stamp, Vectors

Kind = Literal["flat", "hnsw"]
NOWHERE = -1  # the revision of a collection that is not there: no history begins so, so it is drawn from the rows
GULP = 1_000  # rows written or read in one call
BUILD: dict[Kind, tuple[str, dict[str, int]]] = {
    "flat": ("FLAT", {}),
    "hnsw": ("HNSW", {"M": 32, "efConstruction": 200}),
}
EF = 512  # neighbours that HNSW keeps in sight, at least


class MilvusIndex:
    """The collection of one contract, of kind "flat" (exact) or "hnsw" (approximate).

    At revision -1 it is not there yet, and `restore` makes it. Every method may raise ServerUnreachable or
    EngineUnavailable.
    """

    def __init__(self, contract: str, dimension: int, *, server: Server, kind: Kind = "flat") -> None:
        self._contract, self._dimension, self._kind = contract, dimension, kind
        self._alias = _alias(contract, server, kind)
        self._link = Link(server)

    @property
    def stamp(self) -> Stamp:
        """As it stands on the server now."""
        words: dict[str, Any] = {"filter": milvus_rows.MARKS, "output_fields": ["template", "person"]}
        rows = self._link.call_if_there("query", self._alias, consistency_level=STRONG, **words)
        numbers = {row["template"]: row["person"] for row in rows or ()}
        revision = numbers.get(milvus_rows.REVISION, NOWHERE)
        return Stamp(self._contract, revision, numbers.get(milvus_rows.COUNT, 0))

    @property
    def dimension(self) -> int:
        return self._dimension

    def apply(self, changes: Sequence[Change]) -> None:
        """See `VectorIndex.apply`. What is refused is refused before anything is written; what is interrupted counts
        as not applied, and may be applied again.
        """
        revision = self.stamp.revision
        rows, gone = admission.outcome(changes, self.dimension, after=revision)
        if not changes:
            return
        self._write("upsert", self._alias, rows)
        for start in range(0, len(gone), GULP):
            self._link.call("delete", self._alias, ids=gone[start : start + GULP])
        self._mark(self._alias, revision + len(changes))

    def restore(self, lots: Iterable[Lot], revision: int) -> None:
        """See `VectorIndex.restore`; readers have the former picture until this one is whole."""
        fresh = f"{self._alias}_{secrets.token_hex(4)}"
        with ExitStack() as undo:
            undo.callback(self._link.call, "drop_collection", fresh)
            self._create(fresh)
            highest = -1
            for rows in admission.batches(lots, self.dimension, size=GULP):
                templates = rows.labels.template
                distinct = rows.at(last_of_each(templates))
                self._write("insert" if templates.min() > highest else "upsert", fresh, distinct)
                highest = max(highest, int(templates.max()))
            self._mark(fresh, revision)
            self._show(fresh)
            undo.pop_all()
        _drop(self._link, self._alias, but=fresh)

    def search(self, queries: Vectors, k: int, where: Filter = EVERYTHING) -> list[list[Neighbour]]:
        """The best `k` persons for each row of `queries`, float32 (n, d), norm 1; ties as in the flat index.

        WrongDimension, NotUnit; ValueError when k < 1.
        """
        if k < 1:
            raise ValueError("k counts persons and begins at 1")
        queries = admission.checked(queries, self.dimension)
        expression = milvus_rows.admitting(where)

        def lister(some: Vectors, width: int, left_out: Sequence[int]) -> list[Hits]:
            return self._list(some, width, milvus_rows.without(expression or "", left_out))

        if expression is None or not len(queries):
            return [[] for _ in queries]
        return best_persons(lister, queries, k, exact=self._kind == "flat")

    def entries(self) -> Iterator[Entry]:
        """Every entry; of what is changed meanwhile, as it was or as it is."""
        last = -1
        while page := self._page(after=last):
            yield from map(milvus_rows.entry_of, page)
            last = max(row["template"] for row in page)

    def _page(self, *, after: int) -> list[dict[str, Any]]:
        """The next rows by their ids: what an iterator would ask, but Strong on servers of every age."""
        words = {"filter": f"template > {after}", "output_fields": milvus_rows.NAMES, "limit": GULP}
        order = {"iterator": "True", "reduce_stop_for_best": "True"}
        rows: list[dict[str, Any]] | None
        rows = self._link.call_if_there("query", self._alias, consistency_level=STRONG, **words, **order)
        return rows or []

    def _list(self, queries: Vectors, width: int, expression: str) -> list[Hits]:
        params = {"ef": max(EF, width)} if self._kind == "hnsw" else {}
        answers = self._link.call_if_there(
            "search",
            self._alias,
            data=list(queries),
            anns_field="vector",
            limit=width,
            filter=expression,
            search_params={"metric_type": "IP", "params": params},
            output_fields=["template", "person", "vector"],
            consistency_level=STRONG,
        )
        if answers is None:
            raise EngineUnavailable(engine="milvus", reason="collection-missing")
        return list(answers)

    def _write(self, how: Literal["insert", "upsert"], collection: str, rows: Rows) -> None:
        written = milvus_rows.written(rows)
        for start in range(0, len(written), GULP):
            self._link.call(how, collection, written[start : start + GULP])

    def _mark(self, collection: str, revision: int) -> None:
        words: dict[str, Any] = {"filter": milvus_rows.TEMPLATES, "output_fields": ["count(*)"]}
        (counted,) = self._link.call("query", collection, consistency_level=STRONG, **words)
        self._link.call("upsert", collection, milvus_rows.marks(revision, counted["count(*)"], self.dimension))

    def _create(self, collection: str) -> None:
        kind, params = BUILD[self._kind]
        index = MilvusClient.prepare_index_params()
        index.add_index("vector", index_type=kind, metric_type="IP", params=params)
        schema = milvus_rows.schema_for(self._contract, self.dimension)
        words = {"consistency_level": STRONG, "num_partitions": milvus_rows.PARTITIONS}
        self._link.call("create_collection", collection, schema=schema, timeout_s=PATIENT_S, **words)
        self._link.call("create_index", collection, index, sync=False)  # nothing lies there yet: nothing to wait for
        self._link.call("load_collection", collection, timeout_s=PATIENT_S)

    def _show(self, collection: str) -> None:
        shown = self._link.call_if_there("describe_alias", self._alias)
        self._link.call("create_alias" if shown is None else "alter_alias", collection, self._alias)


def drop(contract: str, *, server: Server) -> None:
    """Remove everything that is kept of a contract, of either kind. ServerUnreachable, EngineUnavailable."""
    link = Link(server)
    for kind in BUILD:
        alias = _alias(contract, server, kind)
        if link.call_if_there("describe_alias", alias) is not None:
            link.call("drop_alias", alias)
        _drop(link, alias)


def _drop(link: Link, alias: str, *, but: str = "") -> None:
    """Remove the generations behind an alias, and what an interrupted drawing has left."""
    for name in link.call("list_collections"):
        if name.startswith(f"{alias}_") and name != but:
            link.call("drop_collection", name)


def _alias(contract: str, server: Server, kind: Kind) -> str:
    """Milvus takes letters, digits and underscores."""
    plain = "".join(sign if sign.isalnum() else "_" for sign in contract)
    return f"lighthouse_{server.namespace}_{plain}_{kind}"
