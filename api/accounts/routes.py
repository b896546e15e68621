"""Sign-in, organisations, users and tokens as JSON."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request

from api.accounts import service
from api.accounts.actor import ActorDep, once_for
from api.accounts.models import Organisation, User
from api.accounts.policy import Act, permit
from api.accounts.schemas import (
    MeOut,
    NewOrganisation,
    NewToken,
    NewUser,
    OrganisationOut,
    SignInBody,
    SignInOut,
    TokenOut,
    UserOut,
)
from api.audit import service as audit
from api.audit.schemas import AuditEntryOut, AuditPageOut, ChainStateOut
from api.kit.http import NodeDep, Now, Reading, Writing
from api.kit.paging import Page, cut_page

router = APIRouter(prefix="/v1", tags=["accounts"])


@router.post("/sign-in", status_code=201)
def sign_in(body: SignInBody, node: NodeDep, now: Now) -> SignInOut:
    with node.db.write() as session:
        token = service.sign_in(session, body.login, body.password, settings=node.settings, now=now)
    if token is None:
        raise service.SignInRefused
    return SignInOut(token=token)


@router.get("/me")
def show_me(actor: ActorDep) -> MeOut:
    return MeOut(
        user_id=actor.user_id,
        name=actor.name,
        organisation_id=actor.organisation_id,
        region=actor.organisation_region,
        roles=sorted(actor.roles),
        language=actor.language,
    )


@router.post("/organisations", status_code=201, response_model=OrganisationOut)
def add_organisation(body: NewOrganisation, request: Request, actor: ActorDep, session: Writing, now: Now) -> Any:
    once = once_for(request, actor, body.model_dump(), now=now)
    return once.answer(session, lambda: _organisation_out(service.add_organisation(session, body, by=actor, now=now)))


@router.get("/organisations")
def list_organisations(
    actor: ActorDep, session: Reading, cursor: str | None = None, limit: int = Query(50, ge=1, le=100)
) -> Page[OrganisationOut]:
    permit(actor, Act.READ_NOTICES)
    rows, following = cut_page(session, sa.select(Organisation), key=Organisation.id, cursor=cursor, limit=limit)
    return Page(items=[_organisation_out(row) for row in rows], next_cursor=following)


@router.post("/users", status_code=201, response_model=UserOut)
def add_user(body: NewUser, request: Request, actor: ActorDep, session: Writing, node: NodeDep, now: Now) -> Any:
    once = once_for(request, actor, body.model_dump(exclude={"password"}), now=now)
    return once.answer(
        session, lambda: _user_out(service.add_user(session, body, by=actor, settings=node.settings, now=now))
    )


@router.post("/users/{login}/disable", status_code=204)
def disable_user(login: str, actor: ActorDep, session: Writing, now: Now) -> None:
    permit(actor, Act.MANAGE_ACCOUNTS)
    service.disable_user(session, login, by=actor, now=now)


@router.post("/tokens", status_code=201)
def issue_token(body: NewToken, actor: ActorDep, session: Writing, now: Now) -> TokenOut:
    """A token is told once; repeating this call makes another one, so it takes no idempotency key."""
    permit(actor, Act.MANAGE_OWN_TOKENS)
    user = session.get_one(User, actor.user_id)
    row, token = service.issue_token(session, user, label=body.label, days=body.days, now=now)
    return TokenOut(id=row.id, label=row.label, expires_at=row.expires_at, token=token)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: str, actor: ActorDep, session: Writing, now: Now) -> None:
    permit(actor, Act.MANAGE_OWN_TOKENS)
    service.revoke_token(session, actor, token_id, now=now)


@router.get("/audit", tags=["audit"])
def read_audit(
    actor: ActorDep, session: Reading, after: int = Query(0, ge=0), limit: int = Query(100, ge=1, le=1000)
) -> AuditPageOut:
    permit(actor, Act.READ_AUDIT)
    rows = audit.entries_after(session, after, limit=limit)
    items = [AuditEntryOut.model_validate(row, from_attributes=True) for row in rows]
    return AuditPageOut(items=items, next_after=rows[-1].seq if len(rows) == limit else None)


@router.get("/audit/chain", tags=["audit"])
def check_audit_chain(actor: ActorDep, session: Reading) -> ChainStateOut:
    permit(actor, Act.READ_AUDIT)
    return ChainStateOut.model_validate(audit.check_chain(session), from_attributes=True)


def _organisation_out(row: Organisation) -> OrganisationOut:
    return OrganisationOut(id=row.id, name=row.name, type=row.type, level=row.level, region=row.region)


def _user_out(row: User) -> UserOut:
    return UserOut(
        id=row.id,
        login=row.login,
        name=row.name,
        organisation_id=row.organisation_id,
        roles=[grant.role for grant in row.grants],
        disabled=row.disabled_at is not None,
    )
