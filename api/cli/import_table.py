"""The table of a bulk import and the report beside it: lines in, outcomes out. Registers nobody."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from api import errors
from api.cases.schemas import NewFoundPerson
from api.cli.terminal import language
from api.kit.problems import InvalidInput

PERSON_COLUMNS = ("name", "sex", "age_low", "age_high", "marks")
CASE_COLUMNS = ("found_on", "found_place")
COLUMNS = ("file", "person", "taken_on", *PERSON_COLUMNS, *CASE_COLUMNS)


@dataclass(frozen=True)
class Line:
    """One line of the table: its number and its cells by column."""

    number: int
    cells: dict[str, str]

    @property
    def person(self) -> str:
        """Lines with the same value in `person` are photos of one person; without it each line is its own."""
        return self.cells["person"] or f"line-{self.number}"


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    line: int
    file: str
    outcome: str
    code: str = ""
    case: str = ""
    photo: str = ""


def read_table(table: Path) -> list[Line]:
    """The lines of the table. Raises InvalidInput when a column is unknown or `file` is missing."""
    with table.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        named = reader.fieldnames or []
        unknown = [name for name in named if name not in COLUMNS]
        if "file" not in named or unknown:
            raise InvalidInput(field="csv", columns=", ".join(unknown) or "file")
        return [
            Line(number, {name: (row.get(name) or "").strip() for name in COLUMNS})
            for number, row in enumerate(reader, 2)
        ]


def group(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines of the same person together, in the order in which persons first appear."""
    persons: dict[str, list[Line]] = {}
    for line in lines:
        persons.setdefault(line.person, []).append(line)
    yield from persons.values()


def write_report(report: Path, outcomes: list[Outcome]) -> dict[str, int]:
    """One line a picture, with the reason in the reader's language; returns the counts."""
    help_by_code = {code: f"{title}. {todo}" for code, title, todo in errors.help_in(language())}
    with report.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["line", "file", "outcome", "code", "what_to_do", "case"])
        for outcome in sorted(outcomes, key=lambda outcome: outcome.line):
            writer.writerow(
                [
                    outcome.line,
                    outcome.file,
                    outcome.outcome,
                    outcome.code,
                    help_by_code.get(outcome.code, ""),
                    outcome.case,
                ]
            )
    kinds = [outcome.outcome for outcome in outcomes]
    return {
        "registered": kinds.count("registered"),
        "refused": kinds.count("refused"),
        "waiting": kinds.count("waiting"),
    }


def person_in(line: Line) -> NewFoundPerson:
    given = {name: value for name, value in line.cells.items() if value}
    person = {name: _number(given[name]) for name in PERSON_COLUMNS if name in given}
    case = {name: given[name] for name in CASE_COLUMNS if name in given}
    return NewFoundPerson.model_validate({"person": person, **case})


def _number(cell: str) -> int | str:
    return int(cell) if cell.isascii() and cell.isdigit() else cell
