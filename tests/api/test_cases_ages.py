"""Ages and gaps from dates that may be known to the year only."""

import pytest

from api.cases.ages import age_at, age_gap_years
from api.cases.models import Person


def somebody(**known: object) -> Person:
    blank: dict[str, object] = {"birth_date": "", "age_low": None, "age_high": None, "described_on": ""}
    return Person(**(blank | known))


@pytest.mark.parametrize(
    ("birth_date", "on", "age"),
    [
        ("1980-05-04", "2020-05-04", (40, 40)),
        ("1980-05-04", "2020-05-03", (39, 39)),
        ("1980", "2020", (39, 40)),
        ("1980-05", "2020-05", (39, 40)),
        ("2020-02-29", "2021-02-28", (0, 0)),
        ("1980", "", None),
        ("", "2020", None),
        ("2020", "2019", None),
    ],
)
def test_age_follows_from_the_date_of_birth(birth_date: str, on: str, age: tuple[int, int] | None) -> None:
    assert age_at(somebody(birth_date=birth_date), on) == age


@pytest.mark.parametrize(
    ("on", "age"), [("2020-06-01", (40, 50)), ("2030-06-01", (50, 60)), ("2010-06-01", (30, 40)), ("1960", None)]
)
def test_age_range_moves_with_the_years(on: str, age: tuple[int, int] | None) -> None:
    person = somebody(age_low=40, age_high=50, described_on="2020-06-01")
    assert age_at(person, on) == age


def test_infant_is_never_younger_than_nothing() -> None:
    assert age_at(somebody(birth_date="2020"), "2020") == (0, 0)


def test_date_of_birth_outweighs_an_estimate() -> None:
    person = somebody(birth_date="2000-01-01", age_low=60, age_high=70, described_on="2020")
    assert age_at(person, "2020-01-02") == (20, 20)


@pytest.mark.parametrize(
    ("a", "b", "years"),
    [("2010", "2020", 10.0), ("2020-01-01", "2010-01-01", 10.0), ("2020", "2020", 0.0), ("", "2020", None)],
)
def test_age_gap_is_counted_from_middle_to_middle(a: str, b: str, years: float | None) -> None:
    gap = age_gap_years(a, b)
    assert gap == years if years is None else gap == pytest.approx(years, abs=0.01)
