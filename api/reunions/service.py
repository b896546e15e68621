"""The way home: handover, follow-up, and putting the papers away. Never tells a family anything."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import Act, Actor, Role, permit
from api.accounts.regions import check_region
from api.cases import service as cases
from api.cases.ages import age_at
from api.cases.models import Case, MissingReport
from api.cases.policy import get_visible_case
from api.jobs import queue
from api.kit import ids
from api.kit.problems import InvalidInput, NotFound, WrongState
from api.kit.settings import Settings
from api.notices import service as notices
from api.reunions import policy
from api.reunions.models import FollowUp, Reunification
from api.reunions.policy import ContactDeclined, FollowUpNeeded
from api.reunions.schemas import FollowUpReport, NewReunification
from api.reunions.verification import READERS, everybody_is
from api.reviews import pair
from api.search import hypotheses
from api.search.models import MatchHypothesis
from api.search.states import HYPOTHESIS

REUNITED = frozenset({"reunited"})
REMINDER = "reunions.remind"


def hand_over(
    session: Session, actor: Actor, hypothesis_id: str, new: NewReunification, *, settings: Settings, now: datetime
) -> Reunification:
    """The person goes home; follow-ups are put on the calendar.

    Raises NotPermitted, NotFound, StaleRecord, WrongState (not confirmed), InvalidInput, ContactDeclined.
    """
    permit(actor, Act.HAND_OVER)
    hypothesis = hypotheses.get_visible(session, actor, hypothesis_id)
    policy.check_side(actor, hypothesis)
    hypotheses.hold(session, hypothesis, revision=new.revision)
    HYPOTHESIS.move(hypothesis.state, "reunite")
    _check_handover(hypothesis, new, now=now)
    hypotheses.move(session, hypothesis, "reunite", by=actor, now=now)
    row = _reunification(hypothesis, new, by=actor, now=now)
    row.follow_ups = [_follow_up(row, days=days, now=now) for days in settings.follow_up_days]
    session.add(row)
    session.flush()
    found, report = pair.cases_of(hypothesis)
    cases.advance(session, found, "hand_over", by=actor, now=now)
    if everybody_is(session, report, states=REUNITED):
        cases.advance_if(session, report, "reunite", by=actor, now=now)
    pair.remember(session, "handed-over", hypothesis, by=actor, now=now, wish=row.wish, region=row.region)
    pair.tell_both(session, "handed-over", hypothesis, roles=READERS, now=now)
    _remind_later(session, row, found, now=now)
    return row


def remind(session: Session, follow_up_id: str, *, now: datetime) -> None:
    """Tell the liaisons of both sides that a follow-up is due, unless it is done. Work of the job of that name."""
    row = session.get(FollowUp, follow_up_id)
    if row is None or row.done_at is not None:
        return
    hypothesis = _hypothesis_of(session, row)
    for case in pair.cases_of(hypothesis):
        link = f"/cases/{case.id}"
        due_on = row.due_on.isoformat()
        notices.tell(
            session,
            "follow-up-due",
            organisation_id=case.organisation_id,
            roles=frozenset({Role.LIAISON}),
            link=link,
            case_id=case.id,
            now=now,
            due_on=due_on,
        )


def record_follow_up(
    session: Session, actor: Actor, follow_up_id: str, report: FollowUpReport, *, now: datetime
) -> FollowUp:
    """What somebody found on looking in. Nobody reached: it stays due. Missing again: the report is open again.

    Raises NotPermitted, NotFound, WrongState.
    """
    permit(actor, Act.FOLLOW_UP)
    row = session.get(FollowUp, follow_up_id, with_for_update=True)
    if row is None:
        raise NotFound
    hypothesis = _hypothesis_of(session, row)
    policy.check_side(actor, hypothesis)
    if row.done_at is not None:
        raise WrongState(record="follow-up", state="done", event=report.outcome)
    row.outcome, row.note, row.done_by = report.outcome, report.note, actor.user_id
    pair.remember(session, "follow-up-done", hypothesis, by=actor, now=now, outcome=report.outcome)
    if report.outcome != "not_reached":
        row.done_at = now
        _after_follow_up(session, hypothesis, row, by=actor, now=now)
    return row


def close(session: Session, actor: Actor, case_id: str, *, revision: int | None, now: datetime) -> Case:
    """Put the papers away; for somebody who went home only after a follow-up.

    Raises NotPermitted, NotFound, FollowUpNeeded, StaleRecord, WrongState.
    """
    permit(actor, Act.CLOSE_CASE)
    case = get_visible_case(session, actor, case_id)
    for reunification in reunifications_of(session, case):
        if all(row.done_at is None for row in reunification.follow_ups):
            raise FollowUpNeeded(reunification=reunification.id)
    closed = cases.close_case(session, actor, case_id, revision=revision, now=now)
    link = f"/cases/{case.id}"
    notices.tell(
        session, "case-closed", organisation_id=case.organisation_id, roles=READERS, link=link, case_id=case.id, now=now
    )
    return closed


def follow_ups_of(session: Session, actor: Actor, case_id: str) -> list[FollowUp]:
    """The follow-ups of a case, earliest first. Raises NotPermitted, NotFound."""
    permit(actor, Act.SEE_CASE)
    case = get_visible_case(session, actor, case_id)
    rows = [row for reunification in reunifications_of(session, case) for row in reunification.follow_ups]
    return sorted(rows, key=lambda row: (row.due_on, row.id))


def reunifications_of(session: Session, case: Case) -> Sequence[Reunification]:
    """The handovers that a case's persons had, oldest first."""
    persons = [person.id for person in case.persons]
    touches = sa.or_(MatchHypothesis.found_person_id.in_(persons), MatchHypothesis.sought_person_id.in_(persons))
    query = sa.select(Reunification).join(MatchHypothesis, Reunification.hypothesis_id == MatchHypothesis.id)
    return session.scalars(query.where(touches).order_by(Reunification.id)).all()


def _check_handover(hypothesis: MatchHypothesis, new: NewReunification, *, now: datetime) -> None:
    check_region(new.region)
    today = (now + cases.EARLIEST_ZONE).date()
    if new.handed_over_on > today:
        raise InvalidInput(field="handed_over_on")
    report = hypothesis.sought.case
    if new.wish == "declined" or (isinstance(report, MissingReport) and report.resolution == "located_no_contact"):
        raise ContactDeclined
    age = age_at(hypothesis.sought, today) or age_at(hypothesis.found, today)
    if age is not None and not _wish_fits(new.wish, *age):
        raise InvalidInput(field="wish", value=new.wish)


def _wish_fits(wish: str, youngest: int, eldest: int) -> bool:
    """An adult is never handed over as a child, and a child does not decide alone."""
    if wish == "child":
        return youngest < policy.ADULT_AGE
    return wish != "agreed" or eldest >= policy.ADULT_AGE


def _reunification(hypothesis: MatchHypothesis, new: NewReunification, *, by: Actor, now: datetime) -> Reunification:
    fields = new.model_dump(exclude={"revision"})
    return Reunification(
        id=ids.new_id(now), hypothesis_id=hypothesis.id, recorded_by=by.user_id, recorded_at=now, **fields
    )


def _follow_up(reunification: Reunification, *, days: int, now: datetime) -> FollowUp:
    return FollowUp(id=ids.new_id(now), due_on=reunification.handed_over_on + timedelta(days=days), note="")


def _remind_later(session: Session, reunification: Reunification, found: Case, *, now: datetime) -> None:
    for row in reunification.follow_ups:
        due = max(now, datetime.combine(row.due_on, time.min, UTC))
        queue.put(session, REMINDER, {"follow_up_id": row.id}, now=due, case_id=found.id)


def _after_follow_up(session: Session, hypothesis: MatchHypothesis, row: FollowUp, *, by: Actor, now: datetime) -> None:
    found, report = pair.cases_of(hypothesis)
    cases.advance_if(session, found, "follow_up", by=by, now=now)
    if row.outcome == "missing_again":
        cases.advance_if(session, report, "reopen", by=by, now=now)
        pair.tell_both(session, "missing-again", hypothesis, roles=READERS, now=now)


def _hypothesis_of(session: Session, row: FollowUp) -> MatchHypothesis:
    reunification = session.get_one(Reunification, row.reunification_id)
    return session.get_one(MatchHypothesis, reunification.hypothesis_id)
