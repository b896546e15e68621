"""Who looks at a page: the cookie session, the language, the mark of every form. Never reads a bearer token."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response

from api.accounts import service as accounts
from api.accounts.policy import Actor, NotSignedIn
from api.kit.http import NodeDep, Now
from api.kit.i18n import LANGUAGES, choose_language
from api.kit.node import Node
from api.kit.problems import Refusal

SESSION = "lighthouse_session"
VISIT = "lighthouse_visit"
LANGUAGE = "lighthouse_language"
YEAR_S = 365 * 24 * 3600


class FormExpired(Refusal):
    """The form does not carry the mark of this sign-in: it is too old, or another site sent it."""

    code = "form-expired"


@dataclass(frozen=True)
class Visitor:
    """Who asks: the actor (None before sign-in), the language to answer in, and the mark of this visitor's forms.

    `seed` is what the mark is made from: the sign-in's secret, or before it a random value kept in a cookie.
    """

    actor: Actor | None
    language: str
    seed: str
    mark: str


@dataclass(frozen=True)
class Reader:
    """A visitor who is signed in."""

    actor: Actor
    language: str
    token: str


def get_visitor(request: Request, node: NodeDep, now: Now) -> Visitor:
    """Whoever asks, signed in or not; also kept on the request, so that a refusal speaks the same language."""
    token = request.cookies.get(SESSION, "")
    actor = _actor_of(node, token, now=now) if token else None
    seed = token if actor else request.cookies.get(VISIT) or secrets.token_urlsafe(32)
    language = _language(request, actor)
    actor = replace(actor, language=language) if actor else None
    visitor = Visitor(actor, language, seed, node.vault.sign("form-mark", seed.encode("utf-8", "surrogatepass")))
    request.state.visitor = visitor
    return visitor


VisitorDep = Annotated[Visitor, Depends(get_visitor)]


def get_reader(visitor: VisitorDep) -> Reader:
    """The signed-in visitor. Raises NotSignedIn."""
    if visitor.actor is None:
        raise NotSignedIn
    return Reader(visitor.actor, visitor.language, visitor.seed)


ReaderDep = Annotated[Reader, Depends(get_reader)]


def visitor_of(request: Request) -> Visitor:
    """Who was found to ask; for a refusal before that, a stranger in the language the browser asks for."""
    found = getattr(request.state, "visitor", None)
    return found if isinstance(found, Visitor) else Visitor(None, _language(request, None), "", "")


def remember_sign_in(response: Response, token: str, *, node: Node) -> None:
    """Give the browser its sign-in; scripts cannot read it and other sites cannot send it."""
    seconds = int(node.settings.session_hours * 3600)
    response.set_cookie(
        SESSION, token, max_age=seconds, httponly=True, samesite="strict", secure=node.settings.https_only
    )
    response.delete_cookie(VISIT)


def remember_visit(response: Response, visitor: Visitor, *, node: Node) -> None:
    """Give a stranger's browser the value its sign-in form is marked with."""
    response.set_cookie(VISIT, visitor.seed, httponly=True, samesite="strict", secure=node.settings.https_only)


def remember_language(response: Response, language: str, *, node: Node) -> None:
    """Keep the language somebody chose by hand; it goes before the one of their account until they sign out."""
    secure = node.settings.https_only
    response.set_cookie(LANGUAGE, language, max_age=YEAR_S, httponly=True, samesite="lax", secure=secure)


def forget(response: Response) -> None:
    """Leave nothing behind on a shared computer."""
    for name in (SESSION, VISIT, LANGUAGE):
        response.delete_cookie(name)


def _actor_of(node: Node, token: str, *, now: datetime) -> Actor | None:
    try:
        with node.db.read() as session:
            actor, stale = accounts.actor_of_sign_in(session, token, settings=node.settings, now=now)
    except NotSignedIn:
        return None
    if stale:
        with node.db.write() as session:
            accounts.touch_sign_in(session, token, now=now)
    return actor


def _language(request: Request, actor: Actor | None) -> str:
    chosen = request.cookies.get(LANGUAGE)
    if chosen in LANGUAGES:
        return chosen
    return actor.language if actor else choose_language(request.headers.get("accept-language"))
