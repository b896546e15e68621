"""Templates carry what searches are narrowed by: sex, years of birth, days seen; a run remembers how it was narrowed.

Heads move on by one without a change beside them, so every index that still lies somewhere is redrawn from the rows.
"""

import calendar
from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BATCH = 5_000
UNKNOWN = {"sex": 0, "born_from": 0, "born_to": 9_999, "seen_from": 0, "seen_to": 3_652_059}
FACTS = sa.text("""
    SELECT persons.key, persons.sex, persons.birth_date, persons.age_low, persons.age_high, persons.described_on,
           COALESCE(found_persons.found_on, missing_reports.separated_on, '') AS seen_on
    FROM persons
    LEFT JOIN found_persons ON found_persons.id = persons.case_id
    LEFT JOIN missing_reports ON missing_reports.id = persons.case_id
    WHERE persons.key > :after ORDER BY persons.key LIMIT :most
""")
LABEL = sa.text("""
    UPDATE templates SET sex = :sex, born_from = :born_from, born_to = :born_to, seen_from = :seen_from,
        seen_to = :seen_to WHERE person_key = :person
""")
NARROWED_BY = ["kind", "active", "contract", *UNKNOWN, "region", "person_key"]


def upgrade() -> None:
    for name, unknown in UNKNOWN.items():
        op.add_column("templates", sa.Column(name, sa.Integer(), server_default=str(unknown), nullable=False))
    op.add_column("search_runs", sa.Column("narrowed", sa.JSON(), server_default="{}", nullable=False))
    after = 0
    while rows := op.get_bind().execute(FACTS, {"after": after, "most": BATCH}).all():
        op.get_bind().execute(LABEL, [{"person": row.key, **_labels(row)} for row in rows])
        after = rows[-1].key
    op.create_index("ix_templates_labels", "templates", NARROWED_BY)
    op.execute("UPDATE gallery_heads SET revision = revision + 1")


def downgrade() -> None:
    op.drop_index("ix_templates_labels", table_name="templates")
    op.drop_column("search_runs", "narrowed")
    for name in UNKNOWN:
        op.drop_column("templates", name)


def _labels(row: sa.Row[tuple[object, ...]]) -> dict[str, int]:
    """As they were understood when this was written."""
    labels = {**UNKNOWN, "sex": row.sex if row.sex in (1, 2) else 0}
    if (born := _born(row)) is not None:
        labels |= {"born_from": born[0].year, "born_to": born[1].year}
    if (seen := _days(row.seen_on)) is not None:
        labels |= {"seen_from": seen[0].toordinal(), "seen_to": seen[1].toordinal()}
    return labels


def _born(row: sa.Row[tuple[object, ...]]) -> tuple[date, date] | None:
    described = _days(row.described_on)
    if row.birth_date or row.age_low is None or row.age_high is None or described is None:
        return _days(row.birth_date)
    return _before(described[0], row.age_high + 1) + timedelta(days=1), _before(described[1], row.age_low)


def _days(partial: str) -> tuple[date, date] | None:
    """First and last day of `2019`, `2019-05` or `2019-05-04`; None for anything else."""
    try:
        year, *rest = (int(part) for part in partial.split("-"))
        month = (rest[0], rest[0]) if rest else (1, 12)
        day = (rest[1], rest[1]) if len(rest) > 1 else (1, calendar.monthrange(year, month[1])[1])
        return date(year, month[0], day[0]), date(year, month[1], day[1])
    except ValueError:
        return None


def _before(day: date, years: int) -> date:
    year = max(day.year - years, 1)
    return day.replace(year=year, day=min(day.day, calendar.monthrange(year, day.month)[1]))
