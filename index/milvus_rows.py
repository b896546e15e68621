"""Templates as rows of a Milvus collection, and a filter as its expression. It never asks a server anything.

Beside the templates, whose ids are not negative, lie two marks: the revision that the rows are a picture of, and their
number. They are the stamp; they lie with the rows so that one switch of an alias changes both.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from pymilvus import CollectionSchema, DataType, MilvusClient

from index.errors import VectorRefused
from index.store import Rows
from index.types import ANY_DAY, ANY_YEAR, Entry, Filter, Span

REVISION, COUNT = -1, -2  # ids of the marks; the number stands in `person`
MARKS = f"template in [{REVISION}, {COUNT}]"
TEMPLATES = "template >= 0"
# Servers such as 2.3.5 put what is upserted into partitions by another field (milvus-io/milvus#30607), and what they
# misplaced stays so after an upgrade. A search that believed in partitions would miss it in silence, so none does.
PARTITIONED_BY, PARTITIONS = "region", 16
FIELDS = {
    "template": DataType.INT64,
    "person": DataType.INT64,
    "kind": DataType.INT16,
    "region": DataType.INT64,  # a partition key must be as wide as this
    "sex": DataType.INT8,
    "born_from": DataType.INT16,
    "born_to": DataType.INT16,
    "seen_from": DataType.INT32,
    "seen_to": DataType.INT32,
}
NAMES = [*FIELDS, "vector"]


def schema_for(contract: str, dimension: int) -> CollectionSchema:
    """The columns of one contract's collection."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False, description=contract)
    for name, kind in FIELDS.items():
        schema.add_field(name, kind, is_primary=name == "template", is_partition_key=name == PARTITIONED_BY)
    return schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)


def written(rows: Rows) -> list[dict[str, Any]]:
    """Rows as Milvus takes them. VectorRefused where a template's id is negative."""
    columns = [column.tolist() for column in rows.labels.columns()]
    if columns[0] and min(columns[0]) < 0:
        raise VectorRefused(label="template", value=min(columns[0]))
    return [dict(zip(NAMES, row, strict=True)) for row in zip(*columns, rows.vectors, strict=True)]


def marks(revision: int, count: int, dimension: int) -> list[dict[str, Any]]:
    """The stamp as rows."""
    anywhere = np.eye(1, dimension, dtype=np.float32)[0]
    labels = dict.fromkeys(FIELDS, -1) | {"vector": anywhere}
    return [labels | {"template": mark, "person": number} for mark, number in ((REVISION, revision), (COUNT, count))]


def entry_of(row: dict[str, Any]) -> Entry:
    """A row as it was put in."""
    vector = np.array(row["vector"], np.float32)
    born, seen = (row["born_from"], row["born_to"]), (row["seen_from"], row["seen_to"])
    return Entry(row["template"], row["person"], row["kind"], row["region"], vector, row["sex"], born, seen)


def admitting(where: Filter) -> str | None:
    """The expression of a filter; None where it admits nobody."""
    if where.kinds == frozenset() or where.regions == frozenset():
        return None
    return " and ".join([TEMPLATES, *_conditions(where)])


def without(expression: str, templates: Sequence[int]) -> str:
    """The same, but none of these templates."""
    return f"{expression} and template not in {_listed(templates)}" if templates else expression


def _conditions(where: Filter) -> Iterator[str]:
    sexes = None if where.sexes is None else where.sexes | {0}
    for name, members in (("kind", where.kinds), ("region", where.regions), ("sex", sexes)):
        if members is not None:
            yield _within(name, members)
    for name, span, widest in (("born", where.born, ANY_YEAR), ("seen", where.seen, ANY_DAY)):
        if span is not None and not _covers(span, widest):
            yield f"{name}_from <= {span[1]} and {name}_to >= {span[0]}"
    if where.excluded_persons:
        yield f"person not in {_listed(where.excluded_persons)}"


def _within(name: str, members: Iterable[int]) -> str:
    """A condition on the region is put so that no server leaves a partition out for it: see PARTITIONED_BY."""
    return f"not ({name} not in {_listed(members)})" if name == PARTITIONED_BY else f"{name} in {_listed(members)}"


def _covers(span: Span, widest: Span) -> bool:
    return span[0] <= widest[0] and span[1] >= widest[1]


def _listed(numbers: Iterable[int]) -> str:
    return f"[{', '.join(map(str, sorted(numbers)))}]"
