"""From an HTTP request to the person who acts, by the bearer secret it carries. Never reads a cookie."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from api.accounts import service
from api.accounts.policy import Actor, NotSignedIn
from api.kit.http import NodeDep, Now
from api.kit.idempotency import Once, digest_of
from api.kit.node import Node


def get_actor(request: Request, node: NodeDep, now: Now) -> Actor:
    """Who holds the bearer secret. Cookies count for pages alone, so a foreign page cannot call the API."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise NotSignedIn
    return actor_of_bearer(node, token.strip(), now=now)


def actor_of_bearer(node: Node, token: str, *, now: datetime) -> Actor:
    """Who holds this secret, of either kind. Raises NotSignedIn."""
    with node.db.read() as session:
        actor = service.actor_of_token(session, token, now=now)
        if actor is not None:
            return actor
        actor, stale = service.actor_of_sign_in(session, token, settings=node.settings, now=now)
    if stale:
        with node.db.write() as session:
            service.touch_sign_in(session, token, now=now)
    return actor


ActorDep = Annotated[Actor, Depends(get_actor)]


def once_for(request: Request, actor: Actor, *parts: object, now: Now) -> Once:
    """The idempotency of this call: its key header, its user, and a digest of route and body."""
    key = request.headers.get("idempotency-key")
    return Once(
        key=key,
        user_id=actor.user_id,
        request_digest=digest_of(f"{request.method} {request.url.path}", *parts),
        now=now,
    )
