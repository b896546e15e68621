"""The way of a probe: one face of one's own record is asked of the gallery, in seven steps.

Never holds a lock while the device works, and never turns "we could not look" into "we found nobody".
"""

from datetime import datetime

from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.cases import service as cases
from api.cases.models import Case
from api.gallery.matcher import Matcher
from api.kit.idempotency import Once
from api.kit.node import Node
from api.kit.problems import InvalidInput
from api.requests.models import SearchRequest
from api.requests.policy import get_open_own_request
from api.search import ask, service, sight
from api.search.models import SearchRun
from api.search.narrowing import EVERYBODY, Narrowing, filter_of, kept
from api.search.propose import Search
from api.search.sight import ASKED_ROLES, FaceChoiceNeeded, ProbeBytes, ProbeFace

__all__ = ["ASKED_ROLES", "FaceChoiceNeeded", "ProbeBytes", "ProbeFace", "search_probe"]
SHORTEST_REASON = 3


def search_probe(
    node: Node,
    matcher: Matcher,
    actor: Actor,
    request_id: str,
    probe: ProbeBytes | ProbeFace,
    *,
    reason: str,
    now: datetime,
    narrowing: Narrowing = EVERYBODY,
    once: Once | None = None,
) -> SearchRun:
    """Search under an open request of one's own organisation; the run is committed when this returns.

    Raises NotPermitted, NotFound, RequestNotOpen, InvalidInput, ImageRefused, NoFaceFound, FaceChoiceNeeded,
    CouldNotLook; nothing is written then.
    """
    with node.db.read() as session:
        request = _permitted(session, actor, request_id, reason)  # 1: this actor, this request, this person
        where = filter_of(narrowing, now=now)
        person = sight.person_of(session, request.case, probe)
        stored = sight.recall(session, node, matcher, person, probe=probe)
    view = stored or sight.look(node, matcher, probe)  # 2: an upright picture within the gates; 3: its faces
    choice = sight.choose(view, probe)  # 4: one face; several and no choice: the boxes go back
    face = view.faces[choice]
    question = ask.Question(
        person=person,
        templates=face.templates,
        taken_on=view.taken_on,
        eye_px=face.eye_px,
        floor=node.settings.candidate_floor_log10_lr,
        regions=tuple(request.regions),
        narrowed=where,
    )
    answer = ask.look_up(node, matcher, question, now=now)  # 5: who looks alike; 6: what each likeness is worth
    brought = None if face.id else sight.bring(node, probe, view, choice=choice)
    with node.db.write() as session:  # 7: all that is written, in one transaction
        cases.hold(session, session.get_one(Case, person.case_id), revision=None)
        request = _permitted(session, actor, request_id, reason)
        search = Search(
            kind="probe",
            person=person,
            face_id=sight.keep(session, node, actor, person, brought=brought, now=now) if brought else face.id,
            purpose=request.purpose,
            reason=reason,
            regions=question.regions,
            request_id=request.id,
            by=actor,
            photo_added_at=None,
            started_at=now,
            ended_at=node.clock(),
            narrowed=kept(narrowing, where, kind=ask.OPPOSITE[person.kind]),
        )
        run = service.write_down(session, search, answer, settings=node.settings)
        cases.advance_if(session, request.case, "search", by=actor, now=now)
        if once is not None:
            once.keep(session, {"run_id": run.id})
    return run


def _permitted(session: Session, actor: Actor, request_id: str, reason: str) -> SearchRequest:
    permit(actor, Act.SEARCH)
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInput(field="reason")
    return get_open_own_request(session, actor, request_id)
