"""Forms as they come in: read into memory alone, checked for their mark, turned into the rooms' own bodies.

Never lets a picture touch the disk unsealed, and never acts twice on one form.
"""

import hmac
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from api.accounts.policy import Actor
from api.kit.http import NodeDep
from api.kit.idempotency import Once, digest_of
from api.kit.problems import InvalidInput
from api.web.session import FormExpired, VisitorDep
from facematch.errors import ImageTooLarge

MARK = "form_mark"
KEY = "form_key"
FILES_AT_ONCE = 8
FIELDS_AT_ONCE = 400
MEGABYTE = 1 << 20
Model = TypeVar("Model", bound=BaseModel)
Done = tuple[str, list[str]]  # where to go after an act, and the codes of pictures that were left out


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 40  # never roll over to a file: /tmp would hold a face in the clear


@dataclass(frozen=True)
class Form:
    """A form that carried its mark: texts by name, and uploaded files by name."""

    path: str
    fields: Mapping[str, list[str]]
    files: Mapping[str, list[bytes]]

    def text(self, name: str) -> str:
        """The last value of a field, trimmed; empty where there is none."""
        return self.texts(name)[-1] if self.texts(name) else ""

    def texts(self, name: str) -> list[str]:
        """Every value of a field, trimmed."""
        return [value.strip() for value in self.fields.get(name, [])]

    def number(self, name: str) -> int | None:
        """A whole number, or None where nothing was written. Raises InvalidInput."""
        written = self.text(name)
        if not written:
            return None
        if not (written.isascii() and written.isdigit() and len(written) < 10):
            raise InvalidInput(field=name)
        return int(written)

    def ticked(self, name: str) -> bool:
        return bool(self.text(name))

    def once(self, actor: Actor, *, now: datetime) -> Once:
        """What makes this form the same form when it comes again."""
        return Once(key=self.text(KEY) or None, user_id=actor.user_id, request_digest=digest_of(self.path), now=now)

    def act_once(self, session: Session, actor: Actor, act: Callable[[], Done], *, now: datetime) -> Done:
        """Do `act` and answer where to go; the same form sent again (a double tap) goes there without acting."""
        once = self.once(actor, now=now)
        stored = once.recall(session)
        if stored is not None:
            return str(stored["location"]), []
        location, refused = act()
        session.flush()
        once.keep(session, {"location": location})
        return location, refused


async def read_form(request: Request, visitor: VisitorDep, node: NodeDep) -> Form:
    """Read the body into memory and check its mark. Raises FormExpired, ImageTooLarge, InvalidInput."""
    limit = node.settings.upload_limit_mb * MEGABYTE
    raw = await _parse(request, limit=limit * FILES_AT_ONCE)
    try:
        form = await _take(raw, path=request.url.path, limit=limit)
    finally:
        await raw.close()
    if not hmac.compare_digest(form.text(MARK).encode(), visitor.mark.encode()):
        raise FormExpired
    return form


FormDep = Annotated[Form, Depends(read_form)]


def fill(model: type[Model], values: Mapping[str, object]) -> Model:
    """The room's own body made of a form's values. Raises InvalidInput naming the first field that is wrong."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as wrong:
        steps = [str(step) for step in wrong.errors()[0]["loc"]]
        raise InvalidInput(field=".".join(steps) or "form") from wrong


async def _take(raw: FormData, *, path: str, limit: int) -> Form:
    fields: dict[str, list[str]] = {}
    files: dict[str, list[bytes]] = {}
    for name, value in raw.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
            continue
        data = await value.read()
        if len(data) > limit:
            raise ImageTooLarge(bytes=len(data), limit_bytes=limit)
        if data:
            files.setdefault(name, []).append(data)
    return Form(path, fields, files)


async def _parse(request: Request, *, limit: int) -> FormData:
    stream = _bounded(request.stream(), limit=limit)
    try:
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            parser = _InMemory(request.headers, stream, max_files=FILES_AT_ONCE, max_fields=FIELDS_AT_ONCE)
            return await parser.parse()
        return await FormParser(request.headers, stream, max_fields=FIELDS_AT_ONCE).parse()
    except MultiPartException as broken:
        raise InvalidInput(field="form") from broken


async def _bounded(stream: AsyncGenerator[bytes, None], *, limit: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise ImageTooLarge(bytes=size, limit_bytes=limit)
        yield chunk
