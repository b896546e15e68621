"""The audit can only grow: the database itself refuses to change or delete an entry."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

GENESIS = "0" * 64
ACTS = ("update", "delete")


def upgrade() -> None:
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    op.execute(sa.insert(head).values(id=1, seq=0, hash=GENESIS))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit entries are never changed'; END $$"
        )
    for act in ACTS:
        op.execute(_trigger(act))


def downgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for act in ACTS:
        op.execute(f"DROP TRIGGER audit_no_{act}" + (" ON audit_entries" if postgres else ""))
    if postgres:
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.execute("DELETE FROM audit_head")


def _trigger(act: str) -> str:
    if op.get_bind().dialect.name == "postgresql":
        body = "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
    else:
        body = "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END"
    return f"CREATE TRIGGER audit_no_{act} BEFORE {act.upper()} ON audit_entries {body}"
