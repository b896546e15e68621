"""How old somebody is on a day that may be known to the year only. Never guesses: what is unknown stays None."""

import calendar
from datetime import date, timedelta
from typing import NamedTuple

from api.cases.models import Person

DAYS_A_YEAR = 365.2425  # mean length in the Gregorian calendar


class Span(NamedTuple):
    """First and last day a partial date can mean."""

    first: date
    last: date


def span_of(partial: str | date) -> Span | None:
    """The days that `2019`, `2019-05` or `2019-05-04` can mean; None for the empty or an impossible date."""
    if isinstance(partial, date):
        return Span(partial, partial)
    try:
        parts = [int(part) for part in partial.split("-")] if partial else []
        if len(parts) == 3:
            day = date(*parts)
            return Span(day, day)
        if len(parts) == 2:
            year, month = parts
            return Span(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
        return Span(date(parts[0], 1, 1), date(parts[0], 12, 31)) if len(parts) == 1 else None
    except ValueError:
        return None


def age_at(person: Person, on: str | date) -> tuple[int, int] | None:
    """Lowest and highest age in completed years on a day, or None when nothing is known or nobody was born yet."""
    day = span_of(on)
    if day is None:
        return None
    born = birth_of(person)
    if born is None:
        return None
    low, high = _completed_years(born.last, day.first), _completed_years(born.first, day.last)
    return (max(low, 0), high) if high >= 0 else None


def birth_of(person: Person) -> Span | None:
    """The days on which somebody may have been born by what is written about them; None when nothing is known."""
    if person.birth_date:
        return span_of(person.birth_date)
    described = span_of(person.described_on)
    if person.age_low is None or person.age_high is None or described is None:
        return None
    return born_at_age(person.age_low, person.age_high, described)


def born_at_age(low: int, high: int, on: Span) -> Span:
    """The days on which somebody was born who is `low` to `high` completed years old on some day of a span."""
    # Somebody who is `high` turned so less than a year ago: born after the day high + 1 years before.
    return Span(_years_before(on.first, high + 1) + timedelta(days=1), _years_before(on.last, low))


def age_gap_years(taken_on_a: str, taken_on_b: str) -> float | None:
    """Years between two partial dates, middle to middle; None when either is unknown."""
    a, b = span_of(taken_on_a), span_of(taken_on_b)
    if a is None or b is None:
        return None
    return round(abs(_middle(a) - _middle(b)) / DAYS_A_YEAR, 2)


def _completed_years(start: date, end: date) -> int:
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def _years_before(day: date, years: int) -> date:
    year = max(day.year - years, 1)
    return day.replace(year=year, day=min(day.day, calendar.monthrange(year, day.month)[1]))


def _middle(span: Span) -> float:
    return (span.first.toordinal() + span.last.toordinal()) / 2
