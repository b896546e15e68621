"""PostgreSQL keeps templates written from now on in their rows instead of aside in pieces.

A template of 512 components was just too large for PostgreSQL's limit of 2 KB, so that whoever reads it looks up two
pieces in another table. What is there already stays readable where it is. SQLite keeps rows whole anyway.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE templates SET (toast_tuple_target = 8160)")  # the largest, nearly a page


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE templates RESET (toast_tuple_target)")
