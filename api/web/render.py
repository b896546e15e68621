"""Turns a template and its facts into an answer, in the reader's language and with every protecting header.

Never decides what somebody may see: what is handed in is shown, and nothing is fetched here.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

import jinja2
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from api.accounts.policy import Act
from api.accounts.regions import region_name
from api.kit.clock import iso
from api.kit.i18n import LANGUAGES, translator
from api.kit.node import Node
from api.web import session, words
from api.web.forms import KEY, MARK
from api.web.weaknesses import judgement

HERE = Path(__file__).parent
CSP = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), browsing-topics=()",
    "cache-control": "no-store",
}
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
Say = Callable[..., Markup]


class ProblemLike(Protocol):
    """What a refusal must tell to become a page."""

    @property
    def status(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def todo(self) -> str: ...


def page(request: Request, template: str, **facts: object) -> Response:
    """The answer: a whole page in the visitor's language."""
    return page_as(200, request, template, **facts)


def page_as(status: int, request: Request, template: str, **facts: object) -> Response:
    """A page with another status than 200: a form that must be corrected, or a refusal."""
    visitor = session.visitor_of(request)
    html = TEMPLATES.get_template(template).render(**_surroundings(request, visitor), **facts)
    response = HTMLResponse(html, status, headers={**HEADERS, "content-language": visitor.language.replace("_", "-")})
    if visitor.actor is None and visitor.seed and request.cookies.get(session.VISIT) != visitor.seed:
        session.remember_visit(response, visitor, node=_node(request))
    return response


def go(location: str) -> Response:
    """After a form: look at this page next, so that reloading does not send the form again."""
    return RedirectResponse(location, 303, headers=HEADERS)


def picture(data: bytes, *, media_type: str = "image/jpeg") -> Response:
    """A face or a photograph, kept by nobody on the way."""
    return Response(data, media_type=media_type, headers=HEADERS)


def problem_page(request: Request, problem: ProblemLike) -> Response:
    """A refusal for a reader: what happened, what to do, and the way on. A stranger is sent to the door."""
    if problem.code == "not-signed-in":
        return go("/sign-in?" + ("next=" + quote(_here(request), safe="/") if request.method == "GET" else "ended=1"))
    back = request.url.path.rsplit("/", 1)[0] if request.method == "POST" else ""
    return page_as(problem.status, request, "problem.html", problem=problem, back=back or "/")


def language_of(request: Request) -> str:
    """The language this request is answered in."""
    return session.visitor_of(request).language


def local_path(wanted: str) -> str:
    """The path itself when it stays on this site, else the start page: nobody is sent elsewhere."""
    parts = urlsplit(wanted)
    stays = wanted.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in wanted
    plain = wanted.isprintable() and not wanted.startswith("//")
    return wanted if stays and plain else "/"


def sayer(language: str) -> Say:
    """`_` for templates: the sentence in the reader's language, its facts escaped and put in."""
    translate = translator(language)

    def say(message: str, **facts: object) -> Markup:
        sentence = Markup(translate(message))  # noqa: S704 - our own sentences; every fact below is escaped
        return sentence % facts if facts else sentence

    return say


def _surroundings(request: Request, visitor: session.Visitor) -> dict[str, object]:
    say = sayer(visitor.language)
    return {
        "_": say,
        "n_": lambda count, one, many, **facts: say(one if count == 1 else many, n=f"{count:,}", **facts),
        "word": lambda table, code: words.in_words(table, code, say),
        "region": lambda code: region_name(code, visitor.language),
        "tone": words.tone,
        "gap": "" if visitor.language == "zh_Hans" else " ",
        "judged": lambda quality: judgement(quality, say),
        "listed": say(", ").join,
        "when": _when,
        "utc": iso,
        "zone": _zone(_node(request).clock()),
        "short": lambda record_id: record_id[-6:],
        "Act": Act,
        "actor": visitor.actor,
        "language": visitor.language,
        "languages": LANGUAGES,
        "mark_name": MARK,
        "mark": visitor.mark,
        "key_name": KEY,
        "new_key": lambda: secrets.token_urlsafe(16),
        "here": _here(request) if request.method == "GET" else request.url.path,
        "path": request.url.path,
    }


def _when(moment: datetime) -> str:
    """Date and minute in ISO order, on the clock of the machine, which hangs where the office is."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _zone(now: datetime) -> str:
    offset = now.astimezone().strftime("%z")
    return "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:]}"


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _node(request: Request) -> Node:
    node = request.app.state.node
    assert isinstance(node, Node)
    return node
