"""What it takes to say "this is the person", and who may say so. A face alone is never enough.

What is not known counts as if it asked for more: an unknown age asks for DNA as a child's does.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from api.accounts.policy import Actor
from api.cases.ages import age_at, age_gap_years
from api.cases.models import FoundPerson, MissingReport
from api.kit.problems import NotFound, Refusal
from api.reviews import pair
from api.search.models import MatchHypothesis

ADULT_AGE = 18
LONGEST_GAP_YEARS = 5.0
NOT_A_FACE = frozenset({"family_interview", "household", "dna", "document", "fingerprint"})


class VerifierNotEligible(Refusal):
    """Who compared the faces does not also verify the identity."""

    code = "verifier-not-eligible"


class ReviewsMissing(Refusal):
    """No two named people support this pair; nothing confirms it."""

    code = "reviews-missing"


class ContactDeclined(Refusal):
    """The found person does not want contact, so there is no handover and nobody is told where they are."""

    code = "contact-declined"


class FollowUpNeeded(Refusal):
    """Home is not the end: somebody must have looked in at least once before the papers are put away."""

    code = "follow-up-needed"


@dataclass(frozen=True)
class Circumstances:
    """What decides how much proof is asked for; None where nobody knows."""

    category: str
    age_at_separation: int | None
    gap_years: float | None


def why_dna(circumstances: Circumstances) -> tuple[str, ...]:
    """The reasons for which only DNA confirms this pair; empty when other proof will do."""
    age, gap = circumstances.age_at_separation, circumstances.gap_years
    reasons = {
        "abducted": circumstances.category == "abducted",
        "child": age is not None and age < ADULT_AGE,
        "age-unknown": age is None,
        "age-gap": gap is not None and gap > LONGEST_GAP_YEARS,
        "age-gap-unknown": gap is None,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def still_needed(matching: Iterable[str], circumstances: Circumstances) -> str | None:
    """What is missing besides the kinds of verification that matched: "dna", "not-a-face", or None for nothing."""
    kinds = frozenset(matching)
    if why_dna(circumstances):
        return None if "dna" in kinds else "dna"
    return None if kinds & NOT_A_FACE else "not-a-face"


def circumstances_of(hypothesis: MatchHypothesis) -> Circumstances:
    """Read them from the two cases; the youngest age and the widest gap the papers admit."""
    found, report = pair.cases_of(hypothesis)
    assert isinstance(found, FoundPerson)
    assert isinstance(report, MissingReport)
    age = age_at(hypothesis.sought, report.separated_on)
    apart = age_gap_years(report.separated_on, found.found_on)
    gaps = [gap for gap in (hypothesis.age_gap_years, apart) if gap is not None]
    return Circumstances(report.category, age[0] if age else None, max(gaps, default=None))


def check_side(actor: Actor, hypothesis: MatchHypothesis) -> None:
    """Raise NotFound unless one of the two cases belongs to the actor's organisation."""
    if actor.organisation_id not in pair.homes_of(hypothesis):
        raise NotFound
