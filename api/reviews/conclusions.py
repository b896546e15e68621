"""From what people concluded to what follows: pure functions. Never sees a score, a name or a row.

Seven levels as in the ACE-V method of FISWG: +3 the same person ... 0 cannot tell ... -3 different persons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.kit.i18n import N_

CONCLUSIONS: dict[int, str] = {
    3: N_("Extremely strong support that it is the same person"),
    2: N_("Strong support that it is the same person"),
    1: N_("Some support that it is the same person"),
    0: N_("Cannot tell"),
    -1: N_("Some support that they are different persons"),
    -2: N_("Strong support that they are different persons"),
    -3: N_("Extremely strong support that they are different persons"),
}
REVIEWERS = 2
REVIEWERS_ABDUCTED = 3


class Outcome(StrEnum):
    """What the voices come to; the values are events of a hypothesis in review."""

    SUPPORT = "support"
    REJECT = "reject"
    DISAGREE = "disagree"


@dataclass(frozen=True)
class Voice:
    """One person's conclusion."""

    reviewer_id: str
    organisation_id: str
    conclusion: int


def needed(category: str) -> int:
    """How many people must review a pair; abducted children get one more."""
    return REVIEWERS_ABDUCTED if category == "abducted" else REVIEWERS


def binding(conclusion: int, *, suitabilities: Sequence[str]) -> int:
    """The conclusion that counts: nobody can tell anything from an unsuitable picture."""
    return 0 if "unsuitable" in suitabilities else conclusion


def complete(voices: Sequence[Voice], *, needed: int, homes: frozenset[str]) -> bool:
    """Whether enough different people have spoken, at least one from outside the organisations of the two cases."""
    people = {voice.reviewer_id for voice in voices}
    outside = any(voice.organisation_id not in homes for voice in voices)
    return len(people) >= max(needed, REVIEWERS) and outside


def conclude(voices: Sequence[Voice], *, needed: int, homes: frozenset[str]) -> Outcome | None:
    """All for, all against, or disagreement; None while voices are missing."""
    if not complete(voices, needed=needed, homes=homes):
        return None
    if all(voice.conclusion >= 1 for voice in voices):
        return Outcome.SUPPORT
    if all(voice.conclusion <= -1 for voice in voices):
        return Outcome.REJECT
    return Outcome.DISAGREE


def settle(voices: Sequence[Voice], adjudicator: Voice, *, needed: int, homes: frozenset[str]) -> Outcome:
    """What a disagreement comes to. The adjudicator is one more voice, never enough alone: as many people must
    say "the same" as a unanimous verdict takes, one of them from outside.
    """
    in_favour = [voice for voice in (*voices, adjudicator) if voice.conclusion >= 1]
    carried = adjudicator.conclusion >= 1 and complete(in_favour, needed=needed, homes=homes)
    return Outcome.SUPPORT if carried else Outcome.REJECT
