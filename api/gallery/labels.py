"""What a template tells about its person so that a search can be narrowed. Unknown is the widest span, never a guess.

Never reads a row: labels follow from the person and the case alone.
"""

from typing import NamedTuple

from api.cases.ages import birth_of, span_of
from api.cases.models import FoundPerson, MissingReport, Person
from index.types import ANY_DAY, ANY_YEAR

SEXES = frozenset({1, 2})  # ISO/IEC 5218; whatever else is written of a person, their sex is not known


class Labels(NamedTuple):
    """Sex by ISO/IEC 5218 (0 not known), years of birth, and the days (ordinals) between which somebody was seen.

    A found person was seen on the day of finding, a sought one was last seen on the day of separation.
    """

    sex: int
    born_from: int
    born_to: int
    seen_from: int
    seen_to: int


UNKNOWN = Labels(0, *ANY_YEAR, *ANY_DAY)


def labels_of(person: Person) -> Labels:
    """The labels that every template of a person carries."""
    case = person.case
    seen_on = case.found_on if isinstance(case, FoundPerson) else ""
    seen_on = case.separated_on if isinstance(case, MissingReport) else seen_on
    born, seen = birth_of(person), span_of(seen_on)
    return Labels(
        person.sex if person.sex in SEXES else UNKNOWN.sex,
        *((born.first.year, born.last.year) if born else ANY_YEAR),
        *((seen.first.toordinal(), seen.last.toordinal()) if seen else ANY_DAY),
    )
