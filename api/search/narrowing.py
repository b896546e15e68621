"""Whom a search is narrowed to: sex, age today, and the days of finding or separation.

What is not known of somebody never keeps them out, and a narrowing never keeps out more than was asked.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.cases.ages import Span, born_at_age, span_of
from api.cases.schemas import Age, OptionalDate
from api.cases.service import check_past
from api.kit.problems import InvalidInput
from api.kit.text import Body
from index.types import ANY_DAY, ANY_YEAR, Filter

KnownSex = Annotated[int, Field(ge=1, le=2)]


class Narrowing(Body):
    """What an asker may say: sex (1 male, 2 female), age in completed years today, partial dates; all of it optional.

    A found person was seen when found, a sought one was last seen when separated.
    """

    model_config = ConfigDict(frozen=True)

    sex: KnownSex | None = None
    age_from: Age | None = None
    age_to: Age | None = None
    seen_from: OptionalDate = ""
    seen_to: OptionalDate = ""


EVERYBODY = Narrowing()


def filter_of(narrowing: Narrowing, *, now: datetime) -> Filter:
    """The filter that admits whoever may be meant. Raises InvalidInput naming the field that cannot be right."""
    years = _years(narrowing, today=now.date())
    days = (span_of(narrowing.seen_from), span_of(narrowing.seen_to))
    seen = (days[0].first.toordinal() if days[0] else ANY_DAY[0], days[1].last.toordinal() if days[1] else ANY_DAY[1])
    if seen[0] > seen[1]:
        raise InvalidInput(field="seen_from", value=narrowing.seen_from)
    check_past(now, seen_from=narrowing.seen_from)
    return Filter(
        sexes=None if narrowing.sex is None else frozenset({narrowing.sex}),
        born=None if years == ANY_YEAR else years,
        seen=None if seen == ANY_DAY else seen,
    )


def kept(narrowing: Narrowing, where: Filter, *, kind: str) -> Mapping[str, Any]:
    """What a run remembers: what was asked, the years of birth it came to, and the kind of persons asked about.

    Empty where nothing was narrowed.
    """
    asked = narrowing.model_dump(exclude_defaults=True)
    years = {} if where.born is None else {"born_from": where.born[0], "born_to": where.born[1]}
    return {**asked, **years, "kind": kind} if asked else {}


def _years(narrowing: Narrowing, *, today: date) -> tuple[int, int]:
    """Years of birth; whole years, so that nobody of the asked age is left out by a birthday to come."""
    low, high = narrowing.age_from, narrowing.age_to
    if low is not None and high is not None and low > high:
        raise InvalidInput(field="age_from", value=low)
    born = born_at_age(low or 0, high or 0, Span(today, today))
    return (ANY_YEAR[0] if high is None else born.first.year, ANY_YEAR[1] if low is None else born.last.year)
