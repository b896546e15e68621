"""The page of a pair: both faces side by side, how far people have come with it, and the acts one may do now.

Never shows a verdict before all are in, and never a score without its words.
"""

from datetime import datetime

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from api.accounts.models import Organisation
from api.accounts.policy import Act, Actor, Role
from api.accounts.regions import PROVINCES
from api.gallery.models import Face
from api.kit.http import NodeDep, Now
from api.reunions import service as reunions
from api.reunions import verification
from api.reunions import views as reunion_views
from api.reunions.schemas import NewReunification, NewVerification, UndoConfirmation
from api.reviews import pair
from api.reviews import service as reviews
from api.reviews import views as review_views
from api.search import hypotheses
from api.search.models import MatchHypothesis
from api.search.states import HYPOTHESIS
from api.search.views import hypothesis_out
from api.web import render
from api.web.forms import FormDep, fill
from api.web.session import ReaderDep

router = APIRouter(include_in_schema=False)


@router.get("/hypotheses/{hypothesis_id}")
def show(request: Request, hypothesis_id: str, reader: ReaderDep, node: NodeDep, now: Now) -> Response:
    actor = reader.actor
    with node.db.read() as session:
        row = hypotheses.get_visible(session, actor, hypothesis_id)
        may = may_do(actor, row)
        facts: dict[str, object] = {
            "pair": hypothesis_out(row, actor, now=now),
            "may": may,
            "progress": review_views.progress_out(session, row),
            "checks": reunion_views.verifications_out(session, actor, row),
            "experts": _experts(session, actor, row, now=now) if "invite" in may else [],
            "faces": {"found": _face(session, row.found_face_id), "sought": _face(session, row.sought_face_id)},
            "own_case": _own_case(actor, row),
        }
    handover = {"own_region": actor.organisation_region, "provinces": list(PROVINCES), "given": lambda _name: ""}
    today = now.astimezone().date().isoformat()
    return render.page(request, "hypothesis.html", today=today, **facts, **handover)


@router.post("/hypotheses/{hypothesis_id}/screen")
def screen(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        hypotheses.screen(session, reader.actor, hypothesis_id, revision=form.number("revision"), now=now)
    return _back(hypothesis_id)


@router.post("/hypotheses/{hypothesis_id}/park")
def park(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    reason, revision = form.text("reason"), form.number("revision")
    with node.db.write() as session:
        hypotheses.park(session, reader.actor, hypothesis_id, reason, revision=revision, now=now)
    return _back(hypothesis_id)


@router.post("/hypotheses/{hypothesis_id}/rule-out")
def rule_out(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    reason, revision = form.text("reason"), form.number("revision")
    with node.db.write() as session:
        hypotheses.rule_out(
            session, reader.actor, hypothesis_id, reason, revision=revision, settings=node.settings, now=now
        )
    return _back(hypothesis_id)


@router.post("/hypotheses/{hypothesis_id}/reopen")
def reopen(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    reason, revision = form.text("reason"), form.number("revision")
    with node.db.write() as session:
        hypotheses.lift_exclusion(session, reader.actor, hypothesis_id, reason, revision=revision, now=now)
    return _back(hypothesis_id)


@router.post("/hypotheses/{hypothesis_id}/invite")
def invite(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    with node.db.write() as session:
        for reviewer in form.texts("reviewer"):
            reviews.invite(session, reader.actor, hypothesis_id, reviewer, settings=node.settings, now=now)
    return _back(hypothesis_id)


@router.post("/hypotheses/{hypothesis_id}/verification")
def verify(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    said = {name: form.text(name) for name in ("kind", "result", "authority", "reference")}
    new = fill(NewVerification, said | {"revision": form.number("revision")})
    with node.db.write() as session:
        verification.record_verification(session, reader.actor, hypothesis_id, new, now=now)
    return _back(hypothesis_id)


@router.post("/hypotheses/{hypothesis_id}/undo-confirmation")
def undo(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    said = fill(UndoConfirmation, {"reason": form.text("reason"), "revision": form.number("revision")})
    with node.db.write() as session:
        verification.undo_confirmation(
            session, reader.actor, hypothesis_id, said.reason, revision=said.revision, now=now
        )
    return _back(hypothesis_id)


@router.post("/hypotheses/{hypothesis_id}/handover")
def hand_over(hypothesis_id: str, reader: ReaderDep, form: FormDep, node: NodeDep, now: Now) -> Response:
    said = {name: form.text(name) for name in ("handed_over_on", "region", "wish", "note")}
    new = fill(NewReunification, said | {"revision": form.number("revision")})
    with node.db.write() as session:
        reunions.hand_over(session, reader.actor, hypothesis_id, new, settings=node.settings, now=now)
    return _back(hypothesis_id)


def may_do(actor: Actor, row: MatchHypothesis) -> frozenset[str]:
    """The acts the page offers this reader now; the services decide again when one is done."""
    own, coordinates = _own_case(actor, row) is not None, pair.covered_by(actor, Role.COORDINATOR, row)
    offered = {
        "screen": actor.may(Act.SCREEN_CANDIDATE),
        "park": actor.may(Act.SCREEN_CANDIDATE),
        "rule_out": actor.may(Act.RULE_OUT),
        "reopen": actor.may(Act.RULE_OUT),
        "invite": coordinates and actor.may(Act.INVITE_REVIEWER),
        "verify": own and actor.may(Act.VERIFY_IDENTITY),
        "undo_confirmation": own and actor.may(Act.VERIFY_IDENTITY),
        "reunite": own and actor.may(Act.HAND_OVER),
    }
    return frozenset(event for event, may in offered.items() if may and HYPOTHESIS.admits(row.state, event))


def _experts(session: Session, actor: Actor, row: MatchHypothesis, *, now: datetime) -> list[tuple[Actor, str]]:
    """Whom to ask, with the name of their house; somebody from elsewhere first."""
    experts = reviews.eligible_experts(session, actor, row.id, now=now)
    homes = pair.homes_of(row)
    houses = sa.select(Organisation.id, Organisation.name).where(
        Organisation.id.in_({expert.organisation_id for expert in experts})
    )
    names = {row.id: row.name for row in session.execute(houses)}
    return [
        (expert, names[expert.organisation_id])
        for expert in sorted(experts, key=lambda expert: expert.organisation_id in homes)
    ]


def _face(session: Session, face_id: str) -> Face:
    return session.get_one(Face, face_id)


def _own_case(actor: Actor, row: MatchHypothesis) -> str | None:
    return next((case.id for case in pair.cases_of(row) if case.organisation_id == actor.organisation_id), None)


def _back(hypothesis_id: str) -> Response:
    return render.go(f"/hypotheses/{hypothesis_id}")
