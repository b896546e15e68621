"""Coming in and going out, and the language switch. Never says whether a login exists."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.accounts import service as accounts
from api.kit.http import NodeDep, Now
from api.kit.i18n import LANGUAGES, N_, translator
from api.kit.problems import NotFound
from api.web import render, session
from api.web.forms import FormDep
from api.web.session import ReaderDep, Visitor, VisitorDep

router = APIRouter(include_in_schema=False)
REFUSED = N_("Login or password is wrong, or the account is locked. After five wrong tries wait fifteen minutes.")
Next = Annotated[str, Query(alias="next", max_length=2000)]


@router.get("/sign-in")
def show_door(request: Request, visitor: VisitorDep, wanted: Next = "/", ended: bool = False) -> Response:
    if visitor.actor is not None:
        return render.go(render.local_path(wanted))
    return _door(request, next=render.local_path(wanted), ended=ended)


@router.post("/sign-in")
def sign_in(request: Request, visitor: VisitorDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    login, wanted = form.text("login"), render.local_path(form.text("next") or "/")
    password = form.fields.get("password", [""])[-1]
    with node.db.write() as database:
        token = accounts.sign_in(database, login, password, settings=node.settings, now=now)
    if token is None:
        return _door(request, next=wanted, login=login, refused=_refusal(visitor), status=401)
    response = render.go(wanted)
    session.remember_sign_in(response, token, node=node)
    return response


@router.post("/sign-out")
def sign_out(reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:  # noqa: ARG001 - the form's mark is checked
    with node.db.write() as database:
        accounts.sign_out(database, reader.token, now=now)
    response = render.go("/sign-in")
    session.forget(response)
    return response


@router.get("/language/{code}")
def speak(code: str, node: NodeDep, wanted: Next = "/") -> Response:
    if code not in LANGUAGES:
        raise NotFound
    response = render.go(render.local_path(wanted))
    session.remember_language(response, code, node=node)
    return response


@router.get("/alive")
def stay(reader: ReaderDep) -> Response:  # noqa: ARG001 - reading the session is the act
    """Somebody is typing into a long form: being there counts, so that the form is not lost."""
    return Response(status_code=204, headers=render.HEADERS)


def _door(request: Request, *, status: int = 200, **facts: object) -> Response:
    known: dict[str, object] = {"ended": False, "login": "", "refused": ""}
    demo = request.app.state.demo_users
    return render.page_as(status, request, "sign_in.html", **{**known, **facts}, demo_users=demo)


def _refusal(visitor: Visitor) -> str:
    return translator(visitor.language)(REFUSED)
