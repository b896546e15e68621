"""How many people searches can find, kept beside every change, so that no search has to count a whole gallery.

People are counted once, whatever the number of their photographs and contracts. Never says who they are.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.gallery.labels import UNKNOWN
from api.gallery.models import GalleryCount, TemplateRow
from index.types import Filter

BATCH = 5_000  # persons looked up at a time
Cell = tuple[int, int, str]  # kind, region, contracts
COLUMNS = (TemplateRow.person_key, TemplateRow.kind, TemplateRow.region, TemplateRow.contract)


def gallery_size(session: Session, contracts: Collection[str], kind: int, prefixes: Sequence[str]) -> int:
    """How many persons of a kind (KINDS) searches can find under any of these contracts, in regions by prefix.

    Prefixes are those of GB/T 2260 codes; none: everywhere.
    """
    query = sa.select(GalleryCount.contracts, sa.func.sum(GalleryCount.persons)).where(GalleryCount.kind == kind)
    if prefixes:
        query = query.where(sa.or_(*(_within(prefix, GalleryCount.region) for prefix in prefixes)))
    rows = session.execute(query.group_by(GalleryCount.contracts)).all()
    return sum(persons for known, persons in rows if not _parts(known).isdisjoint(contracts))


def admitted(session: Session, contracts: Collection[str], kind: int, prefixes: Sequence[str], narrowed: Filter) -> int:
    """`gallery_size` of those whom a filter's sexes, years and days admit; what is not known keeps nobody out."""
    conditions = list(_admits(narrowed))
    if not conditions:
        return gallery_size(session, contracts, kind, prefixes)
    found = (TemplateRow.kind == kind, TemplateRow.active.is_(True), TemplateRow.contract.in_(contracts))
    query = sa.select(sa.func.count(sa.distinct(TemplateRow.person_key))).where(*found, *conditions)
    if prefixes:
        query = query.where(sa.or_(*(_within(prefix, TemplateRow.region) for prefix in prefixes)))
    return session.scalar(query) or 0


def templates(session: Session) -> dict[str, int]:
    """How many templates searches can find under each contract, and 0 for one that has none of them."""
    active = sa.func.count(sa.case((TemplateRow.active.is_(True), 1))).label("active")
    rows = session.execute(sa.select(TemplateRow.contract, active).group_by(TemplateRow.contract))
    return {row.contract: row.active for row in rows}


def under(session: Session, contract: str) -> int:
    """How many persons searches can find under a contract."""
    return sum(row.persons for row in session.scalars(sa.select(GalleryCount)) if contract in _parts(row.contracts))


def without(session: Session, contract: str) -> int:
    """How many persons searches can find, but not under this contract."""
    return sum(row.persons for row in session.scalars(sa.select(GalleryCount)) if contract not in _parts(row.contracts))


def only_under(session: Session, contract: str) -> int:
    """How many persons searches can find under this contract alone."""
    query = sa.select(sa.func.sum(GalleryCount.persons)).where(GalleryCount.contracts == contract)
    return session.scalar(query) or 0


def regions_within(session: Session, prefixes: Sequence[str]) -> frozenset[int]:
    """The region numbers in which anybody can be found, of those that prefixes name; none: everywhere."""
    query = sa.select(GalleryCount.region).where(GalleryCount.persons > 0)
    if prefixes:
        query = query.where(sa.or_(*(_within(prefix, GalleryCount.region) for prefix in prefixes)))
    return frozenset(session.scalars(query.distinct()))


@contextmanager
def counted(session: Session, templates: Sequence[int]) -> Iterator[None]:
    """Around a change of these templates (keys), under the lock of the gallery heads: the counts follow."""
    persons = _persons_of(session, templates)
    before = Counter(_cells(session, persons))
    yield
    session.flush()
    after = Counter(_cells(session, persons))
    for cell in sorted(before.keys() | after.keys()):
        _add(session, cell, after[cell] - before[cell])


def recount(session: Session) -> None:
    """Count again from the templates; the caller holds the gallery heads."""
    session.execute(sa.delete(GalleryCount))
    for cell, persons in sorted(_count(session).items()):
        _add(session, cell, persons)


def is_true(session: Session) -> bool:
    """Whether the counts are those of the templates."""
    kept = {(row.kind, row.region, row.contracts): row.persons for row in session.scalars(sa.select(GalleryCount))}
    return {cell: persons for cell, persons in kept.items() if persons} == _count(session)


def _count(session: Session) -> Counter[Cell]:
    """Every cell from the templates: one reading in the order of persons, never all of it in memory."""
    query = sa.select(*COLUMNS).where(TemplateRow.active.is_(True)).order_by(TemplateRow.person_key)
    return Counter(_cells_of(session.execute(query.execution_options(yield_per=BATCH))))


def _persons_of(session: Session, templates: Sequence[int]) -> set[int]:
    keys, persons = iter(templates), set[int]()
    while batch := list(islice(keys, BATCH)):
        persons.update(session.scalars(sa.select(TemplateRow.person_key).where(TemplateRow.key.in_(batch))))
    return persons


def _cells(session: Session, persons: Collection[int]) -> Iterator[Cell]:
    """The cell of each of these persons whom searches can find."""
    keys = iter(sorted(persons))
    while batch := list(islice(keys, BATCH)):
        query = sa.select(*COLUMNS).where(TemplateRow.person_key.in_(batch), TemplateRow.active.is_(True))
        yield from _cells_of(session.execute(query.order_by(TemplateRow.person_key)))


def _cells_of(rows: Iterable[sa.Row[int, int, int, str]]) -> Iterator[Cell]:
    for _, templates in groupby(rows, key=lambda row: row.person_key):
        one, *others = templates
        yield one.kind, one.region, "+".join(sorted({one.contract, *(other.contract for other in others)}))


def _add(session: Session, cell: Cell, step: int) -> None:
    kind, region, contracts = cell
    here = (GalleryCount.kind == kind, GalleryCount.region == region, GalleryCount.contracts == contracts)
    counted = sa.update(GalleryCount).where(*here).values(persons=GalleryCount.persons + step)
    if step and not session.execute(counted.returning(GalleryCount.persons)).all():
        row = {"kind": kind, "region": region, "contracts": contracts, "persons": step}
        session.execute(sa.insert(GalleryCount), [row])


def _parts(contracts: str) -> set[str]:
    return set(contracts.split("+"))


def _admits(narrowed: Filter) -> Iterator[sa.ColumnElement[bool]]:
    """What `index.types.Filter` means, said to the database."""
    if narrowed.sexes is not None:
        yield TemplateRow.sex.in_(narrowed.sexes | {UNKNOWN.sex})
    if narrowed.born is not None:
        yield sa.and_(TemplateRow.born_from <= narrowed.born[1], TemplateRow.born_to >= narrowed.born[0])
    if narrowed.seen is not None:
        yield sa.and_(TemplateRow.seen_from <= narrowed.seen[1], TemplateRow.seen_to >= narrowed.seen[0])


def _within(prefix: str, region: InstrumentedAttribute[int]) -> sa.ColumnElement[bool]:
    span = 10 ** (6 - len(prefix))
    first = int(prefix or "0") * span
    return region.between(first, first + span - 1)
