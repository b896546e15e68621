"""Search runs: written down once with their coverage and candidates, never changed, and read again."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, permit
from api.accounts.regions import NATION
from api.audit import service as audit
from api.audit.service import Deed
from api.cases.models import Case, Person
from api.cases.policy import visible_cases
from api.cases.states import SEARCHABLE
from api.kit import ids
from api.kit.problems import NotFound
from api.kit.settings import Settings
from api.requests.policy import get_visible_request
from api.search import exclusions, policy
from api.search.ask import Answer, Hit
from api.search.models import Candidate, MatchHypothesis, SearchRun
from api.search.propose import Search, judge, propose


def write_down(session: Session, search: Search, answer: Answer, *, settings: Settings) -> SearchRun:
    """Write the run, its candidates and their pairs; people are told of pairs that are new."""
    return write_down_all(session, [(search, answer)], settings=settings)[0]


def write_down_all(
    session: Session, answered: Sequence[tuple[Search, Answer]], *, settings: Settings
) -> list[SearchRun]:
    """`write_down` for many searches.

    Whoever proposes the same pair at the same time waits here, in the order of keys, so that nobody waits in a ring.
    """
    told = [(search.person, *(hit.person for hit in answer.hits)) for search, answer in answered if answer.hits]
    keys = {person.key for persons in told for person in persons}
    if keys:
        held = sa.select(Person.key).where(Person.key.in_(keys)).order_by(Person.key)
        session.execute(held.with_for_update(key_share=True)).all()
    runs = [_write_one(session, search, answer, settings=settings) for search, answer in answered]
    session.flush()
    return runs


def get_run(session: Session, actor: Actor, run_id: str) -> SearchRun:
    """A run about a case the actor may see. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CANDIDATES)
    query = sa.select(SearchRun).join(Case, SearchRun.case_id == Case.id)
    run = session.scalar(query.where(SearchRun.id == run_id, visible_cases(actor)))
    if run is None:
        raise NotFound
    return run


def runs_of_request(session: Session, actor: Actor, request_id: str) -> Sequence[SearchRun]:
    """Every run made under a request, newest first. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CANDIDATES)
    request = get_visible_request(session, actor, request_id)
    query = sa.select(SearchRun).where(SearchRun.request_id == request.id)
    return session.scalars(query.order_by(SearchRun.id.desc())).all()


def candidates_of_request(session: Session, actor: Actor, request_id: str) -> list[MatchHypothesis]:
    """The pairs that searches under a request proposed and that still matter, most alike first."""
    permit(actor, Act.SEE_CANDIDATES)
    request = get_visible_request(session, actor, request_id)
    proposed = sa.select(Candidate.hypothesis_id).join(SearchRun, Candidate.run_id == SearchRun.id)
    query = sa.select(MatchHypothesis).where(MatchHypothesis.id.in_(proposed.where(SearchRun.request_id == request.id)))
    rows = session.scalars(query.order_by(MatchHypothesis.nominal_log10_lr.desc(), MatchHypothesis.id))
    return [row for row in rows if policy.is_live(row)]


def _write_one(session: Session, search: Search, answer: Answer, *, settings: Settings) -> SearchRun:
    hits = _still_proposable(session, search, answer.hits, settings=settings) if answer.hits else []
    run = _run(search, answer)
    session.add(run)
    for rank, hit in enumerate(hits, 1):
        candidate = Candidate(rank=rank, face_id=hit.face_id)
        judge(candidate, hit)
        candidate.hypothesis = propose(session, search, hit, answer)
        run.candidates.append(candidate)
    audit.record(
        session,
        _deed(run),
        kind=search.kind,
        request=search.request_id,
        face=search.face_id,
        gallery_revision=answer.revision,
        persons=answer.persons,
        candidates=len(hits),
        narrowed=bool(search.narrowed),
    )
    return run


def _still_proposable(session: Session, search: Search, hits: Sequence[Hit], *, settings: Settings) -> list[Hit]:
    """What may still be proposed now that the rows are held: the gallery was asked a moment ago."""
    keys = [search.person.key, *(hit.person.key for hit in hits)]
    searched = sa.or_(*(sa.and_(Case.kind == kind, Case.state.in_(states)) for kind, states in SEARCHABLE.items()))
    query = sa.select(Person.key).join(Case, Person.case_id == Case.id)
    searchable = set(session.scalars(query.where(Person.key.in_(keys), searched)))
    rejected = exclusions.rejected_keys(
        session, search.person, settings=settings, now=search.ended_at, photo_added_at=search.photo_added_at
    )
    return [hit for hit in hits if hit.person.key in searchable - rejected]


def _run(search: Search, answer: Answer) -> SearchRun:
    regions = list(search.regions) or [NATION]
    return SearchRun(
        id=ids.new_id(search.ended_at),
        kind=search.kind,
        request_id=search.request_id,
        case_id=search.person.case_id,
        person_id=search.person.id,
        face_id=search.face_id,
        organisation_id=search.person.case.organisation_id,
        requested_by=search.by.user_id if search.by else None,
        purpose=search.purpose,
        reason=search.reason,
        started_at=search.started_at,
        ended_at=search.ended_at,
        contract=answer.contract,
        calibration=answer.calibration,
        gallery_revision=answer.revision,
        gallery_persons=answer.persons,
        regions_asked=regions,
        regions_answered=regions,
        regions_failed=[],
        narrowed=dict(search.narrowed),
        candidates=[],
    )


def _deed(run: SearchRun) -> Deed:
    return Deed(
        "search-made",
        "search-run",
        run.id,
        user_id=run.requested_by,
        organisation_id=run.organisation_id,
        at=run.ended_at,
        case_id=run.case_id,
        reason=run.reason,
    )
