"""What every route shares: the node, a reading and a writing session. The commit comes before the answer."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Query, Request
from sqlalchemy.orm import Session

from api.kit.node import Node
from api.kit.problems import NotFound
from api.kit.text import Reason


def get_node(request: Request) -> Node:
    """The node; an address with a NUL names nothing, and PostgreSQL would choke on it."""
    if "\x00" in request.url.path:
        raise NotFound
    return cast(Node, request.app.state.node)


NodeDep = Annotated[Node, Depends(get_node)]


def get_now(node: NodeDep) -> datetime:
    return node.clock()


def reading(node: NodeDep) -> Iterator[Session]:
    with node.db.read() as session:
        yield session


def writing(node: NodeDep) -> Iterator[Session]:
    with node.db.write() as session:
        yield session


NO_STORE = {"cache-control": "no-store"}  # for pictures and pages that show persons
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "A picture"}}
ViewReason = Annotated[Reason, Query(description="why you look at this picture; it is written into the audit")]

# scope="function": the session commits before the response is sent; with the default it would commit after.
Now = Annotated[datetime, Depends(get_now)]
Reading = Annotated[Session, Depends(reading, scope="function")]
Writing = Annotated[Session, Depends(writing, scope="function")]
