"""Runs, candidates and pairs as JSON in the reader's language. Never tells what `policy.reveal` withholds."""

from datetime import datetime

from api.accounts.policy import Actor
from api.accounts.regions import region_name
from api.cases.ages import age_at
from api.cases.policy import is_own
from api.kit.i18n import translator
from api.search import policy, words
from api.search.models import MatchHypothesis, SearchRun
from api.search.policy import Side
from api.search.schemas import CandidateOut, HypothesisOut, SearchOut, SideOut


def search_out(run: SearchRun, actor: Actor, *, now: datetime) -> SearchOut:
    """A run as it was, with what has become of its candidates since."""
    translate = translator(actor.language)
    return SearchOut(
        id=run.id,
        kind=run.kind,
        request_id=run.request_id,
        case_id=run.case_id,
        person_id=run.person_id,
        face_id=run.face_id,
        purpose=run.purpose,
        reason=run.reason,
        started_at=run.started_at,
        ended_at=run.ended_at,
        coverage=words.coverage_out(run, language=actor.language, translate=translate),
        candidates=[
            CandidateOut(
                rank=candidate.rank,
                hypothesis_id=candidate.hypothesis_id,
                state=candidate.hypothesis.state,
                person=side_out(candidate.hypothesis, _other(run, candidate.hypothesis), actor, now=now),
                likelihood=words.likelihood_out(candidate, gallery_persons=run.gallery_persons, translate=translate),
            )
            for candidate in run.candidates
        ],
    )


def hypothesis_out(hypothesis: MatchHypothesis, actor: Actor, *, now: datetime) -> HypothesisOut:
    """A pair with both its sides."""
    translate = translator(actor.language)
    return HypothesisOut(
        id=hypothesis.id,
        state=hypothesis.state,
        revision=hypothesis.revision,
        proposed_at=hypothesis.proposed_at,
        updated_at=hypothesis.updated_at,
        found=side_out(hypothesis, "found", actor, now=now),
        sought=side_out(hypothesis, "sought", actor, now=now),
        likelihood=words.likelihood_out(hypothesis, gallery_persons=hypothesis.gallery_persons, translate=translate),
    )


def side_out(hypothesis: MatchHypothesis, side: Side, actor: Actor, *, now: datetime) -> SideOut:
    """One person of a pair, as this reader may know them."""
    person = policy.side_of(hypothesis, side)
    case = person.case
    ages = age_at(person, now.date())
    revealed = policy.reveal(actor, hypothesis, side)
    return SideOut(
        side=side,
        own=is_own(actor, case),
        sex=person.sex,
        age_low=ages[0] if ages else None,
        age_high=ages[1] if ages else None,
        region=region_name(case.region, actor.language),
        organisation=case.organisation.name,
        revealed=revealed,
        case_id=case.id if revealed else None,
        name=person.name if revealed else None,
        place=policy.place_of(actor, case) if revealed else None,
        contact=policy.contact_of(case) if revealed else None,
    )


def _other(run: SearchRun, hypothesis: MatchHypothesis) -> Side:
    return "sought" if hypothesis.found_person_id == run.person_id else "found"
