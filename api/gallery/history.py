"""The history of a gallery: every template that searches begin or cease to find, or by other labels, is one change.

Revisions have no gap, so that each index can replay them. Never decides who is found.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.gallery import census
from api.gallery.labels import Labels
from api.gallery.models import GalleryChange, GalleryHead, TemplateRow


class Stored(Protocol):
    """A template's row, or what of it a change needs."""

    key: Any
    contract: Any
    active: Any


def activate(session: Session, templates: Sequence[Stored], *, now: datetime) -> None:
    """Let searches find templates; each is one numbered change."""
    _change(session, templates, present=True, now=now)


def deactivate(session: Session, templates: Sequence[Stored], *, now: datetime) -> None:
    """Let searches find templates no longer; each is one numbered change."""
    _change(session, templates, present=False, now=now)


def relabel(session: Session, labelled: Iterable[tuple[Stored, Labels]], *, now: datetime) -> None:
    """Write other labels beside templates; each that searches find is one numbered change, so that indexes follow."""
    alike: dict[Labels, list[Stored]] = defaultdict(list)
    for template, labels in labelled:
        alike[labels].append(template)
    found = [template for templates in alike.values() for template in templates if template.active]
    heads = _locked_heads(session, {template.contract for template in found})
    for labels, templates in alike.items():
        at = TemplateRow.key.in_([template.key for template in templates])
        session.execute(sa.update(TemplateRow).where(at).values(labels._asdict()))
    _number(session, heads, found, present=True, now=now)


def recount(session: Session) -> None:
    """Count again who can be found, while nobody changes it."""
    _heads(session)
    census.recount(session)


def _change(session: Session, templates: Sequence[Stored], *, present: bool, now: datetime) -> None:
    changing = [template for template in templates if template.active != present]
    if not changing:
        return
    heads = _locked_heads(session, {template.contract for template in changing})
    with census.counted(session, [template.key for template in changing]):
        _number(session, heads, changing, present=present, now=now)
        keys = [template.key for template in changing]
        session.execute(sa.update(TemplateRow).where(TemplateRow.key.in_(keys)).values(active=present))


def _number(
    session: Session, heads: Mapping[str, GalleryHead], templates: Sequence[Stored], *, present: bool, now: datetime
) -> None:
    for contract, head in heads.items():
        keys = [template.key for template in templates if template.contract == contract]
        numbered = enumerate(keys, head.revision + 1)
        said = {"contract": contract, "present": present, "at": now}
        head.revision += len(keys)
        rows = [{**said, "revision": revision, "template_key": key} for revision, key in numbered]
        session.execute(sa.insert(GalleryChange), rows)


def _locked_heads(session: Session, contracts: Collection[str]) -> dict[str, GalleryHead]:
    """The heads of these contracts; all others are locked with them, in one order, so that nobody waits in a ring."""
    heads = _heads(session)
    for contract in sorted(set(contracts) - heads.keys()):
        with suppress(IntegrityError), session.begin_nested():  # or another process made the same one first
            session.add(GalleryHead(contract=contract, revision=0))
        heads = _heads(session)
    return {contract: heads[contract] for contract in sorted(contracts)}


def _heads(session: Session) -> dict[str, GalleryHead]:
    query = sa.select(GalleryHead).order_by(GalleryHead.contract).with_for_update()
    return {head.contract: head for head in session.scalars(query.execution_options(populate_existing=True))}
