"""Telling users what happened, and what they have read. Never tells anybody who is not a user of an organisation."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.models import RoleGrant, User
from api.accounts.policy import Act, Actor, Role, permit
from api.kit import ids
from api.kit.i18n import Translate
from api.kit.paging import cut_page
from api.kit.problems import Fact, NotFound
from api.notices.kinds import KINDS
from api.notices.models import Notice


def tell(
    session: Session,
    kind: str,
    *,
    organisation_id: str,
    roles: frozenset[Role],
    link: str,
    case_id: str | None,
    now: datetime,
    **facts: Fact,
) -> None:
    """One notice for each enabled user of the organisation who holds one of the roles now."""
    query = (
        sa.select(User.id)
        .where(
            User.organisation_id == organisation_id, User.disabled_at.is_(None), User.grants.any(_valid(roles, now=now))
        )
        .order_by(User.id)
    )
    for user_id in session.scalars(query):
        tell_user(session, kind, user_id, link=link, case_id=case_id, now=now, **facts)


def tell_user(
    session: Session, kind: str, user_id: str, *, link: str, case_id: str | None, now: datetime, **facts: Fact
) -> None:
    """One notice for one user. A kind that does not exist, or a fact its sentence lacks, is a mistake: KeyError."""
    _ = KINDS[kind] % facts
    session.add(
        Notice(id=ids.new_id(now), user_id=user_id, kind=kind, facts=facts, link=link, case_id=case_id, created_at=now)
    )


def sentence(notice: Notice, translate: Translate) -> str:
    """What a notice says, in the reader's language."""
    return translate(KINDS[notice.kind]) % notice.facts


def unread(session: Session, actor: Actor) -> list[Notice]:
    """The actor's notices not yet read, newest first."""
    query = sa.select(Notice).where(Notice.user_id == actor.user_id, Notice.read_at.is_(None))
    return list(session.scalars(query.order_by(Notice.id.desc())))


def list_notices(session: Session, actor: Actor, *, cursor: str | None, limit: int) -> tuple[list[Notice], str | None]:
    """All of the actor's notices, newest first, and the cursor of the next page."""
    permit(actor, Act.READ_NOTICES)
    query = sa.select(Notice).where(Notice.user_id == actor.user_id)
    return cut_page(session, query, key=Notice.id, cursor=cursor, limit=limit)


def mark_read(session: Session, actor: Actor, notice_id: str, *, now: datetime) -> Notice:
    """The actor has read one of the own notices. Raises NotFound for anybody else's."""
    permit(actor, Act.READ_NOTICES)
    row = session.get(Notice, notice_id)
    if row is None or row.user_id != actor.user_id:
        raise NotFound
    row.read_at = row.read_at or now
    return row


def mark_all_read(session: Session, actor: Actor, *, now: datetime) -> None:
    """The actor has read everything told so far."""
    permit(actor, Act.READ_NOTICES)
    unseen = sa.update(Notice).where(Notice.user_id == actor.user_id, Notice.read_at.is_(None))
    session.execute(unseen.values(read_at=now))


def _valid(roles: frozenset[Role], *, now: datetime) -> sa.ColumnElement[bool]:
    still = sa.or_(RoleGrant.valid_until.is_(None), RoleGrant.valid_until > now)
    return sa.and_(RoleGrant.role.in_([role.value for role in roles]), RoleGrant.valid_from <= now, still)
