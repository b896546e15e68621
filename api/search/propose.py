"""From a hit to a pair people can decide about: made once, shown by its best photos, told to both sides.

No score changes a state here: a pair that exists keeps the state it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.policy import CASE_WORKERS, Actor
from api.cases.models import Person
from api.kit import ids
from api.notices.service import tell
from api.search import exclusions, hypotheses, policy
from api.search.ask import Answer, Hit
from api.search.models import Candidate, MatchHypothesis
from api.search.states import HYPOTHESIS

NOTICES = {"probe": "candidate-proposed", "standing": "standing-hit"}


@dataclass(frozen=True)
class Search:
    """What one search was: whose face, what for and why, where, under which request, by whom, from when to when.

    `narrowed` is what a run keeps of its narrowing.
    """

    kind: Literal["probe", "standing"]
    person: Person
    face_id: str
    purpose: str
    reason: str
    regions: tuple[str, ...]
    request_id: str | None
    by: Actor | None
    photo_added_at: datetime | None
    started_at: datetime
    ended_at: datetime
    narrowed: Mapping[str, Any] = field(default_factory=dict)


def propose(session: Session, search: Search, hit: Hit, answer: Answer) -> MatchHypothesis:
    """The pair of the asked person and a hit; a new one, and one whose rejection a new photo ends, is told."""
    found, sought = _sides(search.person.id, hit.person.id, search)
    query = sa.select(MatchHypothesis).where(
        MatchHypothesis.found_person_id == found, MatchHypothesis.sought_person_id == sought
    )
    hypothesis = session.scalar(query)
    if hypothesis is None:
        hypothesis = _new(session, search, hit, answer)
        act, reason = "candidate-proposed", None
    else:
        _keep_best(session, hypothesis, search, hit, answer)
        if not exclusions.lift(session, hypothesis, now=search.ended_at):
            return hypothesis
        act, reason = "exclusion-lifted", "new photo"
    hypotheses.remember(session, act, hypothesis, by=search.by, reason=reason, now=search.ended_at)
    _tell(session, search, hypothesis)
    return hypothesis


def judge(row: Candidate | MatchHypothesis, hit: Hit) -> None:
    """Write down what a comparison was worth."""
    likelihood = hit.likelihood
    row.log10_lr, row.log10_lr_low, row.log10_lr_high = likelihood.log10_lr, likelihood.low, likelihood.high
    row.band = likelihood.band
    row.uncalibrated_because = likelihood.reason
    row.age_gap_years = hit.age_gap_years
    row.expected_strangers = likelihood.expected_strangers


def _new(session: Session, search: Search, hit: Hit, answer: Answer) -> MatchHypothesis:
    found, sought = _sides(search.person.id, hit.person.id, search)
    hypothesis = MatchHypothesis(
        id=ids.new_id(search.ended_at),
        found_person_id=found,
        sought_person_id=sought,
        state=HYPOTHESIS.initial,
        proposed_at=search.ended_at,
    )
    _show(hypothesis, search, hit, answer)
    session.add(hypothesis)
    session.flush()
    return hypothesis


def _keep_best(session: Session, hypothesis: MatchHypothesis, search: Search, hit: Hit, answer: Answer) -> None:
    """Show the most telling pair of photos, but never change it under people who have begun to compare it."""
    hypotheses.hold(session, hypothesis, revision=None)
    other_scale = (hypothesis.contract, hypothesis.calibration) != (answer.contract, answer.calibration)
    better = other_scale or hit.likelihood.nominal_log10_lr > hypothesis.nominal_log10_lr
    if hypothesis.state in policy.UNREVIEWED and better:
        _show(hypothesis, search, hit, answer)
        hypothesis.revision += 1
        faces = {"found_face": hypothesis.found_face_id, "sought_face": hypothesis.sought_face_id}
        hypotheses.remember(
            session, "best-photos-changed", hypothesis, by=search.by, reason=None, now=search.ended_at, **faces
        )


def _show(hypothesis: MatchHypothesis, search: Search, hit: Hit, answer: Answer) -> None:
    hypothesis.found_face_id, hypothesis.sought_face_id = _sides(search.face_id, hit.face_id, search)
    hypothesis.nominal_log10_lr = hit.likelihood.nominal_log10_lr
    hypothesis.gallery_persons = answer.persons
    hypothesis.contract, hypothesis.calibration = answer.contract, answer.calibration
    hypothesis.updated_at = search.ended_at
    judge(hypothesis, hit)


def _sides(asked: str, hit: str, search: Search) -> tuple[str, str]:
    return (asked, hit) if search.person.kind == "found" else (hit, asked)


def _tell(session: Session, search: Search, hypothesis: MatchHypothesis) -> None:
    """A search somebody made tells the other side; one that nobody asked for tells both."""
    sides = {person.case.organisation_id: person for person in (hypothesis.found, hypothesis.sought)}
    for organisation_id, person in sides.items():
        if search.by is None or search.by.organisation_id != organisation_id:
            tell(
                session,
                NOTICES[search.kind],
                organisation_id=organisation_id,
                roles=CASE_WORKERS,
                link=f"/hypotheses/{hypothesis.id}",
                case_id=person.case_id,
                now=search.ended_at,
            )
