"""Invitations, reviews and adjudications as JSON, and the two pictures of a review."""

from typing import Any

from fastapi import APIRouter, Query, Request, Response

from api.accounts.actor import ActorDep, once_for
from api.gallery import service as gallery
from api.kit.http import NodeDep, Now, Reading, Writing
from api.kit.paging import Page
from api.reviews import adjudication, service, views
from api.reviews.schemas import (
    AdjudicationOut,
    AdjudicationsOut,
    ExpertOut,
    ExpertsOut,
    Invitation,
    InvitedOut,
    ProgressOut,
    ReviewOut,
    ReviewSubmission,
    Side,
)
from api.search import hypotheses

router = APIRouter(prefix="/v1", tags=["reviews"])


@router.get("/hypotheses/{hypothesis_id}/experts")
def list_experts(hypothesis_id: str, actor: ActorDep, session: Reading, now: Now) -> ExpertsOut:
    experts = service.eligible_experts(session, actor, hypothesis_id, now=now)
    items = [ExpertOut(id=each.user_id, name=each.name, organisation_id=each.organisation_id) for each in experts]
    return ExpertsOut(items=items)


@router.get("/hypotheses/{hypothesis_id}/reviews")
def show_progress(hypothesis_id: str, actor: ActorDep, session: Reading) -> ProgressOut:
    return views.progress_out(session, hypotheses.get_visible(session, actor, hypothesis_id))


@router.post("/hypotheses/{hypothesis_id}/reviews", status_code=201, response_model=InvitedOut)
def invite(
    hypothesis_id: str, body: Invitation, request: Request, actor: ActorDep, session: Writing, node: NodeDep, now: Now
) -> Any:
    def create() -> InvitedOut:
        review = service.invite(
            session, actor, hypothesis_id, body.reviewer, revision=body.revision, settings=node.settings, now=now
        )
        return views.invited_out(review)

    return once_for(request, actor, body.model_dump(mode="json"), now=now).answer(session, create)


@router.get("/reviews")
def list_reviews(
    actor: ActorDep,
    session: Reading,
    waiting: bool = False,
    cursor: str | None = None,
    limit: int = Query(50, ge=1, le=100),
) -> Page[ReviewOut]:
    rows, following = service.list_reviews(session, actor, waiting=waiting, cursor=cursor, limit=limit)
    return Page(items=[views.review_out(session, row) for row in rows], next_cursor=following)


@router.get("/reviews/{review_id}")
def show_review(review_id: str, actor: ActorDep, session: Reading) -> ReviewOut:
    return views.review_out(session, service.see_review(session, actor, review_id))


@router.get("/reviews/{review_id}/images/{side}", response_class=Response)
def show_picture(review_id: str, side: Side, actor: ActorDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        face = service.look_at(session, actor, review_id, side, now=now)
    picture = gallery.face_picture(node, face)
    return Response(picture, media_type="image/jpeg", headers={"cache-control": "no-store"})


@router.post("/reviews/{review_id}/submission")
def submit(review_id: str, body: ReviewSubmission, actor: ActorDep, session: Writing, now: Now) -> ReviewOut:
    return views.review_out(session, service.submit(session, actor, review_id, body, now=now))


@router.get("/adjudications")
def list_adjudications(actor: ActorDep, session: Reading) -> AdjudicationsOut:
    rows = adjudication.list_waiting(session, actor)
    return AdjudicationsOut(
        items=[AdjudicationOut(hypothesis_id=row.id, discordant_since=row.updated_at) for row in rows]
    )


@router.post("/hypotheses/{hypothesis_id}/adjudication/open", status_code=201, response_model=ReviewOut)
def take_adjudication(
    hypothesis_id: str, request: Request, actor: ActorDep, session: Writing, node: NodeDep, now: Now
) -> Any:
    def create() -> ReviewOut:
        review = adjudication.take(session, actor, hypothesis_id, settings=node.settings, now=now)
        return views.review_out(session, review)

    return once_for(request, actor, now=now).answer(session, create)


@router.post("/hypotheses/{hypothesis_id}/adjudication")
def adjudicate(hypothesis_id: str, body: ReviewSubmission, actor: ActorDep, session: Writing, now: Now) -> ReviewOut:
    return views.review_out(session, adjudication.adjudicate(session, actor, hypothesis_id, body, now=now))
