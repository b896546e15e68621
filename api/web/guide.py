"""Help inside the program: how the work goes, what the words mean, and what to do about every refusal. Open to all."""

from fastapi import APIRouter, Request, Response

from api.web import render, words
from api.web.session import VisitorDep

router = APIRouter(include_in_schema=False)
EXPLAINED = ("found_person", "missing_report", "hypothesis", "request")


@router.get("/help")
def show_help(request: Request, visitor: VisitorDep) -> Response:
    problems = request.app.state.problem_help(visitor.language)
    return render.page(request, "help.html", problems=problems, tables={name: words.TABLES[name] for name in EXPLAINED})
