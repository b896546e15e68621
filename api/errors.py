"""The one table from refusals to RFC 9457 problems and to pages. Only this file knows status numbers.

Each row says what happened and what to do, in English; api/locale holds the other languages.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from api import problem_table
from api.kit.i18n import N_, Translate, choose_language, translator
from api.kit.problems import InvalidInput, NotFound, Refusal
from api.problem_rows import Row
from api.web import render
from facematch.errors import EyeError
from index.errors import MemoryRefusal

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
Coded = Refusal | EyeError | MemoryRefusal
INTERNAL = Row(
    500,
    N_("Something broke on our side"),
    N_("Nothing was saved. Try again; if it stays, tell the administrator the request number."),
)
DATABASE_DOWN = Row(503, N_("The database does not answer"), N_("Nothing was saved. Wait a minute and try again."))
METHOD = Row(405, N_("This address does not take that kind of call"), N_("Look up the call in the API description."))


@dataclass(frozen=True)
class Problem:
    """One refusal in the reader's language."""

    status: int
    code: str
    title: str
    todo: str
    facts: dict[str, Any]


def row_of(kind: type[BaseException]) -> Row:
    """The row of a class, or of its nearest parent that has one."""
    return next((problem_table.TABLE[parent] for parent in kind.__mro__ if parent in problem_table.TABLE), INTERNAL)


def _code(kind: type[BaseException]) -> str:
    return str(getattr(kind, "code", kind.__name__))


def describe(refusal: Coded, translate: Translate) -> Problem:
    """A refusal as a problem in one language; also used by the command."""
    row = row_of(type(refusal))
    return Problem(row.status, refusal.code, translate(row.title), translate(row.todo), dict(refusal.facts))


def help_in(language: str) -> list[tuple[str, str, str]]:
    """(code, title, what to do) of every problem, for the help page."""
    translate = translator(language)
    rows = {_code(kind): row for kind, row in problem_table.TABLE.items()}
    return [(code, translate(row.title), translate(row.todo)) for code, row in sorted(rows.items())]


def install(app: FastAPI) -> None:
    """Catch at the edge of a request whatever the rooms raised."""
    for root in (Refusal, EyeError, MemoryRefusal):
        app.exception_handler(root)(refuse)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(OperationalError)(_database_down)
    app.exception_handler(Exception)(_broken)


def refuse(request: Request, refusal: Exception) -> Response:
    """The answer to a refusal, in the reader's language."""
    assert isinstance(refusal, Refusal | EyeError | MemoryRefusal)
    return _answer(request, lambda translate: describe(refusal, translate))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields: list[object] = [".".join(str(step) for step in item["loc"][1:]) or "body" for item in error.errors()]
    return refuse(request, InvalidInput(fields=fields))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == METHOD.status:
        return _plain(request, METHOD, "method-not-allowed")
    return refuse(request, NotFound() if error.status_code == 404 else InvalidInput())


def _database_down(request: Request, error: Exception) -> Response:
    log.warning("database_down", exc_info=error)
    response = _plain(request, DATABASE_DOWN, "database-unavailable")
    response.headers["retry-after"] = "30"
    return response


def _broken(request: Request, error: Exception) -> Response:
    log.error("request_broke", path=request.url.path, exc_info=error)
    return _plain(request, INTERNAL, "internal-error")


def _plain(request: Request, row: Row, code: str) -> Response:
    return _answer(request, lambda translate: Problem(row.status, code, translate(row.title), translate(row.todo), {}))


def _answer(request: Request, describe_in: Callable[[Translate], Problem]) -> Response:
    if not request.url.path.startswith("/v1/"):
        return render.problem_page(request, describe_in(translator(render.language_of(request))))
    problem = describe_in(translator(choose_language(request.headers.get("accept-language"))))
    body = {
        "type": f"/help#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.todo,
        "code": problem.code,
        "facts": problem.facts,
    }
    headers = {"www-authenticate": "Bearer"} if problem.status == 401 else None
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "facts"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "facts": {"type": "object"},
    },
}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
}


def every_refusal() -> Iterator[type[BaseException]]:
    """All refusal classes of the three roots that are loaded; the table must have a row for each."""
    waiting: list[type[BaseException]] = [Refusal, EyeError, MemoryRefusal]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting.extend(kind.__subclasses__())
