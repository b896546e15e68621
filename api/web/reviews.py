"""Comparing two faces, blind: pictures, suitability, features, conclusion, limits. Never a name, a place or a score."""

from fastapi import APIRouter, Request, Response

from api.accounts.policy import Act
from api.kit.http import NodeDep, Now
from api.reviews import adjudication, service, views
from api.reviews.schemas import COMPONENTS, OBSERVATIONS, SUITABILITIES, ReviewSubmission
from api.web import render
from api.web.forms import Form, FormDep, fill
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)
A_PAGE = 30


@router.get("/reviews")
def list_reviews(request: Request, reader: ReaderDep, node: NodeDep, cursor: str | None = None) -> Response:
    with node.db.read() as session:
        rows, following = service.list_reviews(session, reader.actor, waiting=False, cursor=cursor, limit=A_PAGE)
        reviews = [views.review_out(session, row) for row in rows]
        settling = adjudication.list_waiting(session, reader.actor) if reader.actor.may(Act.ADJUDICATE) else []
    return render.page(request, "reviews.html", reviews=reviews, settling=settling, following=following)


@router.get("/adjudications/{hypothesis_id}")
def show_disagreement(request: Request, hypothesis_id: str, reader: ReaderDep, node: NodeDep) -> Response:
    with node.db.read() as session:
        waiting = {row.id for row in adjudication.list_waiting(session, reader.actor)}
    return render.page(request, "adjudication.html", hypothesis_id=hypothesis_id, waiting=hypothesis_id in waiting)


@router.post("/adjudications/{hypothesis_id}/take")
def take(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:  # noqa: ARG001 - the form's mark is checked
    with node.db.write() as session:
        review = adjudication.take(session, reader.actor, hypothesis_id, settings=node.settings, now=now)
    return render.go(f"/reviews/{review.id}")


@router.get("/reviews/{review_id}")
def show(request: Request, review_id: str, reader: ReaderDep, node: NodeDep) -> Response:
    with node.db.read() as session:
        review = views.review_out(session, service.see_review(session, reader.actor, review_id))
    facts = {"components": COMPONENTS, "observations": OBSERVATIONS, "suitabilities": SUITABILITIES}
    return render.page(request, "review.html", review=review, **facts)


@router.post("/reviews/{review_id}/submission")
def submit(review_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    submission = fill(ReviewSubmission, _said(form))
    with node.db.write() as session:
        service.submit(session, reader.actor, review_id, submission, now=now)
    return render.go(f"/reviews/{review_id}")


def _said(form: Form) -> dict[str, object]:
    features = {name: form.text(f"feature.{name}") for name in COMPONENTS if form.text(f"feature.{name}")}
    texts = {name: form.text(name) for name in ("suitability_found", "suitability_sought", "conclusion", "limits")}
    return {**texts, "features": features}
