"""Searches, candidates and pairs as JSON. Every look at a candidate states its reason, which is remembered."""

import hashlib
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from api.accounts.actor import ActorDep, once_for
from api.accounts.policy import Act, Actor, permit
from api.cases.photos import limits_of
from api.cases.schemas import Age, OptionalDate
from api.gallery.door import MatcherDep
from api.gallery.models import Face
from api.gallery.service import face_picture
from api.kit.http import JPEG, NO_STORE, NodeDep, Now, ViewReason, Writing
from api.kit.node import Node
from api.kit.problems import InvalidInput
from api.kit.text import Reason
from api.requests.policy import get_visible_request
from api.search import hypotheses, service, views
from api.search.narrowing import KnownSex, Narrowing
from api.search.policy import Side
from api.search.probe import ProbeBytes, ProbeFace, search_probe
from api.search.schemas import HypothesisEvent, HypothesisListOut, HypothesisOut, SearchOut

router = APIRouter(prefix="/v1", tags=["search"])
MOST_FACES = 1000


def read_narrowing(
    sex: Annotated[KnownSex | None, Form(description="1: male, 2: female")] = None,
    age_from: Annotated[Age | None, Form(description="least age today, in completed years")] = None,
    age_to: Annotated[Age | None, Form(description="greatest age today")] = None,
    seen_from: Annotated[OptionalDate, Form(description="found, or last seen where sought, not before")] = "",
    seen_to: Annotated[OptionalDate, Form(description="found, or last seen where sought, not after")] = "",
) -> Narrowing:
    """Whom a search is narrowed to; left out: everybody."""
    return Narrowing(sex=sex, age_from=age_from, age_to=age_to, seen_from=seen_from, seen_to=seen_to)


NarrowingDep = Annotated[Narrowing, Depends(read_narrowing)]


@router.post("/requests/{request_id}/searches", status_code=201)
def search(
    request_id: str,
    request: Request,
    actor: ActorDep,
    node: NodeDep,
    matcher: MatcherDep,
    now: Now,
    narrowing: NarrowingDep,
    reason: Annotated[Reason, Form()],
    file: UploadFile | None = None,
    face_id: Annotated[str | None, Form()] = None,
    face: Annotated[
        int | None, Form(ge=0, le=MOST_FACES, description="which face of the picture, 0: the largest")
    ] = None,
    person_id: Annotated[str | None, Form()] = None,
    taken_on: Annotated[OptionalDate, Form()] = "",
) -> SearchOut:
    """Ask one face of the gallery: of a picture you send, or one that is stored with the case.

    What is not known about a registered person never keeps them out of a narrowed search.
    """
    permit(actor, Act.SEARCH)
    probe = _probe(node, file, face_id=face_id, said=ProbeBytes(b"", face, person_id or None, taken_on))
    digest = hashlib.sha256(probe.data).hexdigest() if isinstance(probe, ProbeBytes) else face_id
    once = once_for(request, actor, digest, face, person_id, taken_on, reason, narrowing.model_dump(), now=now)
    with node.db.read() as session:
        stored = once.recall(session)
    if stored is None:
        run = search_probe(
            node, matcher, actor, request_id, probe, reason=reason, now=now, narrowing=narrowing, once=once
        )
        return views.search_out(run, actor, now=now)
    with node.db.write() as session:
        return _shown(session, actor, stored["run_id"], reason=reason, now=now)


@router.get("/searches/{run_id}")
def show_search(run_id: str, reason: ViewReason, actor: ActorDep, session: Writing, now: Now) -> SearchOut:
    """A search as it was, and what has become of its candidates since."""
    return _shown(session, actor, run_id, reason=reason, now=now)


@router.get("/requests/{request_id}/candidates")
def list_candidates(
    request_id: str, reason: ViewReason, actor: ActorDep, session: Writing, now: Now
) -> HypothesisListOut:
    """Whom the searches under a request proposed, most alike first."""
    rows = service.candidates_of_request(session, actor, request_id)
    case_id = get_visible_request(session, actor, request_id).case_id
    hypotheses.record_seen(session, actor, "request", request_id, case_id=case_id, reason=reason, now=now)
    return HypothesisListOut(items=[views.hypothesis_out(row, actor, now=now) for row in rows])


@router.get("/cases/{case_id}/hypotheses")
def list_hypotheses(case_id: str, reason: ViewReason, actor: ActorDep, session: Writing, now: Now) -> HypothesisListOut:
    """The pairs about a case, whoever's search proposed them, most alike first."""
    rows = hypotheses.list_for_case(session, actor, case_id)
    hypotheses.record_seen(session, actor, "case", case_id, case_id=case_id, reason=reason, now=now)
    return HypothesisListOut(items=[views.hypothesis_out(row, actor, now=now) for row in rows])


@router.get("/hypotheses/{hypothesis_id}")
def show_hypothesis(
    hypothesis_id: str, reason: ViewReason, actor: ActorDep, session: Writing, now: Now
) -> HypothesisOut:
    """One pair."""
    hypothesis = hypotheses.get_visible(session, actor, hypothesis_id)
    hypotheses.record_pair_seen(session, actor, hypothesis, reason=reason, now=now)
    return views.hypothesis_out(hypothesis, actor, now=now)


@router.post("/hypotheses/{hypothesis_id}/events")
def cause_event(
    hypothesis_id: str, body: HypothesisEvent, actor: ActorDep, session: Writing, node: NodeDep, now: Now
) -> HypothesisOut:
    """Screen, park, rule out or reopen a pair."""
    if body.event == "screen":
        row = hypotheses.screen(session, actor, hypothesis_id, revision=body.revision, now=now)
    elif body.event == "park":
        row = hypotheses.park(session, actor, hypothesis_id, body.reason, revision=body.revision, now=now)
    elif body.event == "rule_out":
        row = hypotheses.rule_out(
            session, actor, hypothesis_id, body.reason, revision=body.revision, settings=node.settings, now=now
        )
    else:
        row = hypotheses.lift_exclusion(session, actor, hypothesis_id, body.reason, revision=body.revision, now=now)
    return views.hypothesis_out(row, actor, now=now)


@router.get("/hypotheses/{hypothesis_id}/images/{side}", response_class=Response, responses=JPEG)
def show_face(hypothesis_id: str, side: Side, reason: ViewReason, actor: ActorDep, node: NodeDep, now: Now) -> Response:
    """The face of one side."""
    with node.db.write() as session:
        hypothesis = hypotheses.get_visible(session, actor, hypothesis_id)
        hypotheses.record_pair_seen(session, actor, hypothesis, reason=reason, now=now)
        face = session.get_one(Face, hypothesis.found_face_id if side == "found" else hypothesis.sought_face_id)
    return Response(face_picture(node, face), media_type="image/jpeg", headers=NO_STORE)


def _shown(session: Session, actor: Actor, run_id: str, *, reason: str, now: datetime) -> SearchOut:
    run = service.get_run(session, actor, run_id)
    hypotheses.record_seen(session, actor, "search-run", run.id, case_id=run.case_id, reason=reason, now=now)
    return views.search_out(run, actor, now=now)


def _probe(node: Node, file: UploadFile | None, *, face_id: str | None, said: ProbeBytes) -> ProbeBytes | ProbeFace:
    """A picture, or a stored face: exactly one of the two."""
    if face_id:
        if file is not None:
            raise InvalidInput(field="face_id")
        return ProbeFace(face_id)
    if file is None:
        raise InvalidInput(field="file")
    data = file.file.read(limits_of(node.settings).max_bytes + 1)
    return ProbeBytes(data, said.choice, said.person_id, said.taken_on)
