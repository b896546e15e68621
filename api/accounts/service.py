"""Creating organisations and users, signing in and out, tokens. Never tells whether a login exists."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import passwords
from api.accounts.models import ApiToken, Organisation, RoleGrant, SignIn, User
from api.accounts.policy import Act, Actor, Grant, NotSignedIn, Role, permit
from api.accounts.regions import check_region
from api.accounts.schemas import LEVELS, ORGANISATION_TYPES, NewOrganisation, NewUser
from api.audit import service as audit
from api.kit import ids
from api.kit.problems import InvalidInput, NotFound, Refusal
from api.kit.settings import Settings

TOUCH_AFTER = timedelta(minutes=1)


class SignInRefused(Refusal):
    """Wrong login or password, or an account that is locked or disabled: the answer is the same."""

    code = "sign-in-refused"


class NameTaken(Refusal):
    """Another user or organisation has this name."""

    code = "name-taken"


class NoAdministrator(Refusal):
    """The node would be reachable from elsewhere before anybody can manage it."""

    code = "no-administrator"


def add_organisation(session: Session, new: NewOrganisation, *, by: Actor | None, now: datetime) -> Organisation:
    """Create an organisation; `by` is None on the command line, where the operator owns the machine."""
    if by is not None:
        permit(by, Act.MANAGE_ACCOUNTS)
    check_region(new.region)
    if new.type not in ORGANISATION_TYPES or new.level not in LEVELS:
        raise InvalidInput(field="type")
    if session.scalar(sa.select(Organisation.id).where(Organisation.name == new.name)):
        raise NameTaken(field="name")
    row = Organisation(
        id=ids.new_id(now), name=new.name, type=new.type, level=new.level, region=new.region, created_at=now
    )
    session.add(row)
    session.flush()
    audit.record(
        session, _deed("organisation-added", "organisation", row.id, by=by, now=now), type=row.type, region=row.region
    )
    return row


def add_user(session: Session, new: NewUser, *, by: Actor | None, settings: Settings, now: datetime) -> User:
    """Create a user with roles. Raises PasswordTooWeak, NameTaken, NotFound (organisation)."""
    if by is not None:
        permit(by, Act.MANAGE_ACCOUNTS)
    if session.get(Organisation, new.organisation_id) is None:
        raise NotFound
    if session.scalar(sa.select(User.id).where(User.login == new.login)):
        raise NameTaken(field="login")
    row = User(
        id=ids.new_id(now),
        organisation_id=new.organisation_id,
        login=new.login,
        name=new.name,
        password_hash=passwords.hash_password(new.password, login=new.login, min_length=settings.password_min_length),
        language=new.language,
        created_at=now,
    )
    row.grants = [
        RoleGrant(
            id=ids.new_id(now), role=role.value, region_prefix=new.region_prefix, valid_from=now, valid_until=None
        )
        for role in sorted(new.roles)
    ]
    session.add(row)
    session.flush()
    roles: list[object] = [grant.role for grant in row.grants]
    audit.record(session, _deed("user-added", "user", row.id, by=by, now=now), roles=roles)
    return row


def disable_user(session: Session, login: str, *, by: Actor | None, now: datetime) -> None:
    """Shut a user out at once: sign-ins end and tokens stop."""
    if by is not None:
        permit(by, Act.MANAGE_ACCOUNTS)
    user = session.scalar(sa.select(User).where(User.login == login))
    if user is None:
        raise NotFound
    user.disabled_at = now
    session.execute(sa.update(SignIn).where(SignIn.user_id == user.id, SignIn.ended_at.is_(None)).values(ended_at=now))
    session.execute(
        sa.update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    )
    audit.record(session, _deed("user-disabled", "user", user.id, by=by, now=now))


def sign_in(session: Session, login: str, password: str, *, settings: Settings, now: datetime) -> str | None:
    """The token of a new sign-in, or None when refused; the caller commits either way, so failures count."""
    user = session.scalar(sa.select(User).where(User.login == login))
    fits = passwords.password_fits(password, user.password_hash if user else None)
    if user is None:
        return None
    if user.disabled_at or (user.locked_until and user.locked_until > now):
        return None
    if not fits:
        user.failures += 1
        if user.failures >= settings.lockout_failures:
            user.failures, user.locked_until = 0, now + timedelta(minutes=settings.lockout_minutes)
        audit.record(session, _deed("sign-in-failed", "user", user.id, by=None, now=now))
        return None
    user.failures, user.locked_until = 0, None
    token = passwords.new_token()
    session.add(SignIn(token_digest=passwords.token_digest(token), user_id=user.id, started_at=now, seen_at=now))
    audit.record(session, _deed("signed-in", "user", user.id, by=actor_of(user, now=now), now=now))
    return token


def sign_out(session: Session, token: str, *, now: datetime) -> None:
    """End a sign-in; unknown tokens are ignored."""
    row = session.get(SignIn, passwords.token_digest(token))
    if row is not None and row.ended_at is None:
        row.ended_at = now


def actor_of_sign_in(session: Session, token: str, *, settings: Settings, now: datetime) -> tuple[Actor, bool]:
    """Who holds this sign-in, and whether it should be touched. Raises NotSignedIn when it ended or grew too old."""
    row = session.get(SignIn, passwords.token_digest(token))
    if row is None or row.ended_at is not None:
        raise NotSignedIn
    too_old = now - row.started_at > timedelta(hours=settings.session_hours)
    too_idle = now - row.seen_at > timedelta(minutes=settings.idle_minutes)
    user = _enabled(session, row.user_id)
    if too_old or too_idle or user is None:
        raise NotSignedIn
    return actor_of(user, now=now), now - row.seen_at > TOUCH_AFTER


def touch_sign_in(session: Session, token: str, *, now: datetime) -> None:
    """Remember that the user is still there."""
    session.execute(sa.update(SignIn).where(SignIn.token_digest == passwords.token_digest(token)).values(seen_at=now))


def actor_of_token(session: Session, token: str, *, now: datetime) -> Actor | None:
    """Who holds this API token, or None."""
    row = session.scalar(sa.select(ApiToken).where(ApiToken.token_digest == passwords.token_digest(token)))
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    user = _enabled(session, row.user_id)
    return actor_of(user, now=now) if user else None


def issue_token(session: Session, user: User, *, label: str, days: int, now: datetime) -> tuple[ApiToken, str]:
    """A new API token; the text is told once and never again."""
    token = passwords.new_token()
    row = ApiToken(
        id=ids.new_id(now),
        user_id=user.id,
        label=label,
        token_digest=passwords.token_digest(token),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    audit.record(session, _deed("token-issued", "token", row.id, by=actor_of(user, now=now), now=now))
    return row, token


def revoke_token(session: Session, actor: Actor, token_id: str, *, now: datetime) -> None:
    """Stop one of one's own tokens. Raises NotFound for anybody else's."""
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != actor.user_id:
        raise NotFound
    row.revoked_at = row.revoked_at or now
    audit.record(session, _deed("token-revoked", "token", row.id, by=actor, now=now))


def actor_of(user: User, *, now: datetime) -> Actor:
    """The user with the grants that are valid now."""
    valid = (g for g in user.grants if g.valid_from <= now and (g.valid_until is None or g.valid_until > now))
    return Actor(
        user_id=user.id,
        name=user.name,
        organisation_id=user.organisation_id,
        organisation_type=user.organisation.type,
        organisation_region=user.organisation.region,
        language=user.language,
        grants=tuple(Grant(Role(g.role), g.region_prefix) for g in valid),
    )


def find_user(session: Session, login: str) -> User:
    """By login, or NotFound."""
    user = session.scalar(sa.select(User).where(User.login == login))
    if user is None:
        raise NotFound
    return user


def users_with_role(session: Session, role: Role, *, now: datetime) -> list[Actor]:
    """Everybody who holds a role now and is not disabled, by name."""
    query = (
        sa.select(User)
        .join(RoleGrant)
        .where(RoleGrant.role == role.value, User.disabled_at.is_(None))
        .order_by(User.name)
    )
    actors = (actor_of(user, now=now) for user in session.scalars(query).unique())
    return [actor for actor in actors if role in actor.roles]


def has_administrator(session: Session) -> bool:
    """Whether anybody could manage this node."""
    query = (
        sa.select(User.id).join(RoleGrant).where(RoleGrant.role == Role.ADMINISTRATOR.value, User.disabled_at.is_(None))
    )
    return session.scalar(query.limit(1)) is not None


def _enabled(session: Session, user_id: str) -> User | None:
    user = session.get(User, user_id)
    return None if user is None or user.disabled_at is not None else user


def _deed(act: str, kind: str, record_id: str, *, by: Actor | None, now: datetime) -> audit.Deed:
    return audit.Deed(
        act,
        kind,
        record_id,
        user_id=by.user_id if by else None,
        organisation_id=by.organisation_id if by else None,
        at=now,
    )
