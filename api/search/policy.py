"""Which pairs somebody may see, and how much of each side. Never lets a name or a place out before confirmation."""

from typing import Literal

import sqlalchemy as sa

from api.accounts.policy import Actor
from api.cases.models import Case, FoundPerson, MissingReport, Person
from api.cases.policy import is_own, visible_cases
from api.cases.states import SEARCHABLE
from api.search.models import MatchHypothesis

Side = Literal["found", "sought"]
REVEALED = frozenset({"confirmed", "reunited"})
UNDECIDED = frozenset({"proposed", "screened", "parked", "reopened"})  # nobody has begun to compare this pair
UNREVIEWED = UNDECIDED | {"ruled_out"}  # nobody has compared the pair of photos it is shown by


def visible_hypotheses(actor: Actor) -> sa.ColumnElement[bool]:
    """The condition on MatchHypothesis that admits pairs of which the actor may see either side's case."""
    seen = Person.case.has(visible_cases(actor))
    return sa.or_(MatchHypothesis.found.has(seen), MatchHypothesis.sought.has(seen))


def side_of(hypothesis: MatchHypothesis, side: Side) -> Person:
    """The found or the sought person of a pair."""
    return hypothesis.found if side == "found" else hypothesis.sought


def reveal(actor: Actor, hypothesis: MatchHypothesis, side: Side) -> bool:
    """Whether name, place and contact of one side may be told: one's own case, or a confirmed pair."""
    return hypothesis.state in REVEALED or is_own(actor, side_of(hypothesis, side).case)


def place_of(actor: Actor, case: Case) -> str:
    """Where a person was found or lost; a protected place stays with its own organisation even after confirmation."""
    if isinstance(case, MissingReport):
        return case.separated_place
    assert isinstance(case, FoundPerson)
    return case.found_place if is_own(actor, case) or not case.protect_location else ""


def contact_of(case: Case) -> str:
    """Whom to ask about a person: the inquirer, or for a found person the organisation itself."""
    if isinstance(case, MissingReport):
        return " ".join(part for part in (case.inquirer, case.contact) if part)
    return case.organisation.name


def is_live(hypothesis: MatchHypothesis) -> bool:
    """Whether a pair still belongs on a list: nobody looks at an undecided pair once one side has ended."""
    sides = (hypothesis.found.case, hypothesis.sought.case)
    return hypothesis.state not in UNDECIDED or all(case.state in SEARCHABLE[case.kind] for case in sides)
