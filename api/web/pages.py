"""All pages together, and the files they use. Nothing here answers a question by itself."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles

from api.web import (
    cases,
    editing,
    faces,
    guide,
    home,
    hypotheses,
    notices,
    pictures,
    registering,
    requests,
    reviews,
    searches,
    signin,
)

STATIC = Path(__file__).parent / "static"
router = APIRouter()
ABOUT_ME = (signin, home, guide, notices)
# The forms before the case page: /cases/register is no case.
ABOUT_CASES = (registering, editing, cases, faces, pictures, requests, searches, hypotheses, reviews)
for room in (*ABOUT_ME, *ABOUT_CASES):
    router.include_router(room.router)


def mount_static(app: FastAPI) -> None:
    """Serve the stylesheet, the scripts and the mark."""
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
