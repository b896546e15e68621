"""Taking a contract out of use: its templates, its numbered changes and its index on disk are removed.

Never touches a contract that this node uses, and leaves the number of the last revision, so that no replica that still
lies somewhere can be mistaken for a new one.
"""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.gallery import census, history, place, replica
from api.gallery.models import GalleryChange, TemplateRow
from api.kit.node import Node
from api.kit.problems import NotFound, Refusal
from facematch.bundle import contract_id, read_bundle

BATCH = 5_000  # rows removed in one transaction


class ContractInUse(Refusal):
    """A bundle of the settings has this contract."""

    code = "contract-in-use"


class RetirementNotConfirmed(Refusal):
    """Nobody has said that these templates may go; facts: how many, and who could not be found any more."""

    code = "retirement-not-confirmed"


def retire(node: Node, contract: str, *, confirmed: bool, done: Callable[[int, int], None]) -> int:
    """Remove a contract; returns how many templates it had. `done` is called with templates removed, and of how many.

    May run again after an interruption. Raises ContractInUse, NotFound, RetirementNotConfirmed.
    """
    settings = node.settings
    for name in settings.bundles:
        if contract_id(read_bundle(name, settings.models_dir)) == contract:
            raise ContractInUse(contract=contract, bundle=name)
    with node.db.read() as session:
        known = replica.head_revision(session, contract) > 0
        templates = _count(session, contract)
        lost = census.only_under(session, contract)
    if not known and not templates:
        raise NotFound(contract=contract)
    if not confirmed:
        raise RetirementNotConfirmed(contract=contract, templates=templates, persons_no_longer_found=lost)
    _remove(node, contract, templates, done)
    place.discard(node, contract)
    with node.db.write() as session:
        deed = audit.Deed("contract-retired", "contract", contract, user_id=None, organisation_id=None, at=node.clock())
        audit.record(session, deed, templates=templates, persons_no_longer_found=lost)
    return templates


def _remove(node: Node, contract: str, templates: int, done: Callable[[int, int], None]) -> None:
    removed = 0
    while count := _remove_templates(node, contract):
        removed += count
        done(removed, templates)
    while _remove_changes(node, contract):
        pass


def _remove_templates(node: Node, contract: str) -> int:
    columns = (TemplateRow.key, TemplateRow.contract, TemplateRow.active)
    query = sa.select(*columns).where(TemplateRow.contract == contract).limit(BATCH)
    with node.db.write() as session:
        rows = session.execute(query).all()
        history.deactivate(session, rows, now=node.clock())
        session.execute(sa.delete(TemplateRow).where(TemplateRow.key.in_([row.key for row in rows])))
    return len(rows)


def _remove_changes(node: Node, contract: str) -> int:
    own = GalleryChange.contract == contract
    with node.db.write() as session:
        first = session.scalar(sa.select(sa.func.min(GalleryChange.revision)).where(own))
        if first is None:
            return 0
        oldest = sa.delete(GalleryChange).where(own, GalleryChange.revision < first + BATCH)
        return len(session.scalars(oldest.returning(GalleryChange.revision)).all())


def _count(session: Session, contract: str) -> int:
    query = sa.select(sa.func.count()).select_from(TemplateRow)
    return session.scalar(query.where(TemplateRow.contract == contract)) or 0
