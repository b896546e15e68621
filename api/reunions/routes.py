"""Verifications, handovers, follow-ups and closing as JSON."""

from typing import Any

from fastapi import APIRouter, Request

from api.accounts.actor import ActorDep, once_for
from api.kit.http import NodeDep, Now, Reading, Writing
from api.reunions import service, verification, views
from api.reunions.schemas import (
    ClosedOut,
    Closing,
    FollowUpOut,
    FollowUpReport,
    FollowUpsOut,
    HypothesisStateOut,
    NewReunification,
    NewVerification,
    ReunificationOut,
    UndoConfirmation,
    VerificationRecordedOut,
    VerificationsOut,
)
from api.search import hypotheses

router = APIRouter(prefix="/v1", tags=["reunions"])


@router.post("/hypotheses/{hypothesis_id}/verifications", status_code=201, response_model=VerificationRecordedOut)
def record_verification(
    hypothesis_id: str, body: NewVerification, request: Request, actor: ActorDep, session: Writing, now: Now
) -> Any:
    def create() -> VerificationRecordedOut:
        row = verification.record_verification(session, actor, hypothesis_id, body, now=now)
        return views.recorded_out(session, actor, row)

    return once_for(request, actor, body.model_dump(mode="json"), now=now).answer(session, create)


@router.get("/hypotheses/{hypothesis_id}/verifications")
def list_verifications(hypothesis_id: str, actor: ActorDep, session: Reading) -> VerificationsOut:
    return views.verifications_out(session, actor, hypotheses.get_visible(session, actor, hypothesis_id))


@router.post("/hypotheses/{hypothesis_id}/undo-confirmation")
def undo_confirmation(
    hypothesis_id: str, body: UndoConfirmation, actor: ActorDep, session: Writing, now: Now
) -> HypothesisStateOut:
    row = verification.undo_confirmation(session, actor, hypothesis_id, body.reason, revision=body.revision, now=now)
    return HypothesisStateOut(hypothesis_id=row.id, state=row.state, revision=row.revision)


@router.post("/hypotheses/{hypothesis_id}/reunification", status_code=201, response_model=ReunificationOut)
def hand_over(
    hypothesis_id: str,
    body: NewReunification,
    request: Request,
    actor: ActorDep,
    session: Writing,
    node: NodeDep,
    now: Now,
) -> Any:
    def create() -> ReunificationOut:
        row = service.hand_over(session, actor, hypothesis_id, body, settings=node.settings, now=now)
        return views.reunification_out(row)

    return once_for(request, actor, body.model_dump(mode="json"), now=now).answer(session, create)


@router.post("/follow-ups/{follow_up_id}/outcome")
def record_follow_up(
    follow_up_id: str, body: FollowUpReport, actor: ActorDep, session: Writing, now: Now
) -> FollowUpOut:
    return views.follow_up_out(service.record_follow_up(session, actor, follow_up_id, body, now=now))


@router.get("/cases/{case_id}/follow-ups")
def list_follow_ups(case_id: str, actor: ActorDep, session: Reading) -> FollowUpsOut:
    rows = service.follow_ups_of(session, actor, case_id)
    return FollowUpsOut(items=[views.follow_up_out(row) for row in rows])


@router.post("/cases/{case_id}/close")
def close(case_id: str, body: Closing, actor: ActorDep, session: Writing, now: Now) -> ClosedOut:
    case = service.close(session, actor, case_id, revision=body.revision, now=now)
    return ClosedOut(case_id=case.id, state=case.state, revision=case.revision)
