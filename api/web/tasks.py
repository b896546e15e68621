"""What waits for somebody: one line a thing to do, with one clear act. Never shows what their role may not see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor
from api.cases.models import Case, Photo
from api.cases.photos import ENROLLED_ROLES
from api.cases.policy import visible_cases
from api.cases.states import SEARCHABLE
from api.kit.i18n import N_
from api.requests.models import SearchRequest
from api.requests.policy import visible_requests
from api.reunions.models import FollowUp, Reunification
from api.reviews import adjudication
from api.reviews.models import Review
from api.search import policy
from api.search.models import MatchHypothesis

MOST_OF_A_KIND = 20
SOON = timedelta(days=3)


@dataclass(frozen=True)
class Task:
    """One thing to do: what, the words of the act, where, since when, which case, whether it presses."""

    says: str
    do: str
    link: str
    since: datetime
    case_id: str | None = None
    about: str = ""
    urgent: bool = False
    due: date | None = None


def waiting_for(session: Session, actor: Actor, *, now: datetime) -> list[Task]:
    """Everything that waits for the actor; what presses first, then what has waited longest."""
    gathered = (gather(session, actor, now) for gather in GATHERERS)
    tasks = [task for group in gathered for task in group]
    return sorted(tasks, key=lambda task: (not task.urgent, task.since))


def _faces(session: Session, actor: Actor, _now: datetime) -> Iterator[Task]:
    if not actor.may(Act.CHOOSE_FACE):
        return
    query = sa.select(Photo).join(Case, Photo.case_id == Case.id).where(Case.organisation_id == actor.organisation_id)
    query = query.where(Photo.state == "needs_choice", Photo.role.in_(ENROLLED_ROLES)).order_by(Photo.id)
    says = N_("A picture shows several faces. Say which one is meant.")
    for photo in session.scalars(query.limit(MOST_OF_A_KIND)):
        link = f"/photos/{photo.id}/faces"
        yield Task(says, N_("Choose the face"), link, photo.added_at, photo.case_id, photo.person.name, urgent=True)


def _faceless(session: Session, actor: Actor, _now: datetime) -> Iterator[Task]:
    if not actor.may(Act.ADD_PHOTO):
        return
    usable = sa.exists().where(Photo.case_id == Case.id, Photo.state.in_(("enrolled", "needs_choice", "received")))
    query = sa.select(Case).where(Case.organisation_id == actor.organisation_id, _is_searchable(), ~usable)
    says = N_("There is no picture in which a face was found. Until there is one, nobody can be compared.")
    for case in session.scalars(query.order_by(Case.id).limit(MOST_OF_A_KIND)):
        link = f"/cases/{case.id}#add-photo"
        yield Task(says, N_("Add a picture"), link, case.created_at, case.id, _names(case))


def _requests(session: Session, actor: Actor, _now: datetime) -> Iterator[Task]:
    if not actor.may(Act.SEE_REQUEST):
        return
    triage = N_("A search request waits for you."), N_("Open the request")
    again = N_("A request came back: more information is needed."), N_("Open the request")
    own = SearchRequest.organisation_id == actor.organisation_id
    sources = [
        (actor.may(Act.TRIAGE_REQUEST), SearchRequest.state == "submitted", triage),
        (actor.may(Act.RAISE_REQUEST), sa.and_(own, SearchRequest.state == "returned_for_info"), again),
    ]
    for may, wanted, (says, do) in sources:
        query = sa.select(SearchRequest).where(visible_requests(actor), wanted).order_by(SearchRequest.id)
        for row in session.scalars(query.limit(MOST_OF_A_KIND)) if may else ():
            about, urgent = _names(row.case), row.urgency != "routine"
            yield Task(says, do, f"/requests/{row.id}", row.updated_at, row.case_id, about, urgent=urgent)


def _pairs(session: Session, actor: Actor, _now: datetime) -> Iterator[Task]:
    if not actor.may(Act.SEE_CANDIDATES):
        return
    for act, states, says, do in PAIR_TASKS:
        if not actor.may(act):
            continue
        query = sa.select(MatchHypothesis).where(policy.visible_hypotheses(actor), MatchHypothesis.state.in_(states))
        rows = session.scalars(query.order_by(MatchHypothesis.id).limit(MOST_OF_A_KIND))
        for row in filter(policy.is_live, rows):
            if act in SIDED and actor.organisation_id not in _homes(row):
                continue
            yield Task(says, do, f"/hypotheses/{row.id}", row.updated_at, _own_case(row, actor), _own_name(row, actor))


def _reviews(session: Session, actor: Actor, now: datetime) -> Iterator[Task]:
    mine = sa.select(Review).where(Review.reviewer_id == actor.user_id, Review.submitted_at.is_(None))
    if actor.may(Act.REVIEW) or actor.may(Act.ADJUDICATE):
        says = N_("Two faces wait for your comparison.")
        for row in session.scalars(mine.where(Review.concluded_at.is_(None)).order_by(Review.due_at)):
            pressing = row.due_at - now < timedelta(days=1)
            link, due = f"/reviews/{row.id}", row.due_at.date()
            yield Task(says, N_("Compare the faces"), link, row.invited_at, urgent=pressing, due=due)
    if actor.may(Act.ADJUDICATE):
        says = N_("Reviewers disagree about a pair. Somebody who has not reviewed it must settle it.")
        for pair in adjudication.list_waiting(session, actor):
            yield Task(says, N_("Settle it"), f"/adjudications/{pair.id}", pair.updated_at)


def _follow_ups(session: Session, actor: Actor, now: datetime) -> Iterator[Task]:
    if not actor.may(Act.FOLLOW_UP):
        return
    query = (
        sa.select(FollowUp, MatchHypothesis)
        .join(Reunification, FollowUp.reunification_id == Reunification.id)
        .join(MatchHypothesis, Reunification.hypothesis_id == MatchHypothesis.id)
        .where(FollowUp.done_at.is_(None), FollowUp.due_on <= (now + SOON).date(), policy.visible_hypotheses(actor))
    )
    says = N_("Somebody should look in on a person who went home.")
    for row, pair in session.execute(query.order_by(FollowUp.due_on).limit(MOST_OF_A_KIND)):
        case_id, late = _own_case(pair, actor) or pair.found.case_id, row.due_on < now.date()
        link, about = f"/cases/{case_id}#follow-ups", _own_name(pair, actor)
        yield Task(
            says, N_("Write down how it went"), link, pair.updated_at, case_id, about, urgent=late, due=row.due_on
        )


def _closing(session: Session, actor: Actor, _now: datetime) -> Iterator[Task]:
    if not actor.may(Act.CLOSE_CASE):
        return
    query = sa.select(Case).where(visible_cases(actor), Case.state == "followed_up").order_by(Case.id)
    says = N_("Somebody has looked in; the person is at home. The case can be closed.")
    for case in session.scalars(query.limit(MOST_OF_A_KIND)):
        yield Task(says, N_("Open the case"), f"/cases/{case.id}", case.updated_at, case.id, _names(case))


PAIR_TASKS: tuple[tuple[Act, tuple[str, ...], str, str], ...] = (
    (Act.SCREEN_CANDIDATE, ("proposed", "reopened"),
     N_("Somebody looks like a person of yours. Compare the faces."), N_("Compare the faces")),
    (Act.INVITE_REVIEWER, ("screened",), N_("A pair is worth a review. Ask experts."), N_("Invite reviewers")),
    (Act.VERIFY_IDENTITY, ("supported", "verifying"),
     N_("Reviewers agree. Verify the identity by something that is not a face."), N_("Record a verification")),
    (Act.HAND_OVER, ("confirmed",),
     N_("The identity is confirmed. Ask the person what they wish, and prepare the way home."),
     N_("Prepare the handover")),
)  # fmt: skip
SIDED = frozenset({Act.SCREEN_CANDIDATE, Act.VERIFY_IDENTITY, Act.HAND_OVER})
GATHERERS = (_faces, _faceless, _requests, _pairs, _reviews, _follow_ups, _closing)


def _is_searchable() -> sa.ColumnElement[bool]:
    kinds = (sa.and_(Case.kind == kind, Case.state.in_(states)) for kind, states in SEARCHABLE.items())
    return sa.or_(*kinds)


def _names(case: Case) -> str:
    return " · ".join(person.name for person in case.persons if person.name)


def _homes(row: MatchHypothesis) -> set[str]:
    return {row.found.case.organisation_id, row.sought.case.organisation_id}


def _own_case(row: MatchHypothesis, actor: Actor) -> str | None:
    own = (side.case_id for side in (row.found, row.sought) if side.case.organisation_id == actor.organisation_id)
    return next(own, None)


def _own_name(row: MatchHypothesis, actor: Actor) -> str:
    own = (side.name for side in (row.found, row.sought) if side.case.organisation_id == actor.organisation_id)
    return next(own, "")
