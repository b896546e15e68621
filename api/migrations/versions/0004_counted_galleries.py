"""How many persons searches can find is kept beside every change, and a face has one template under each contract."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTED = ["contract", "active", "kind", "person_key", "region"]  # from here on nobody counts by this index


def upgrade() -> None:
    counts = op.create_table(
        "gallery_counts",
        sa.Column("kind", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contracts", sa.Text(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "region", "contracts", name="pk_gallery_counts"),
    )
    templates = sa.table("templates", *map(sa.column, ("person_key", "kind", "region", "contract", "active")))
    cell = (templates.c.kind, templates.c.region, templates.c.contract)  # until now a person had one contract
    persons = sa.func.count(sa.distinct(templates.c.person_key))
    op.execute(
        counts.insert().from_select(
            ["kind", "region", "contracts", "persons"],
            sa.select(*cell, persons).where(templates.c.active == sa.true()).group_by(*cell),
        )
    )
    op.drop_index("ix_templates_contract_active_kind_person_key_region", table_name="templates")
    op.drop_index("ix_templates_face_id", table_name="templates")
    op.create_index("ix_templates_contract_active_key", "templates", ["contract", "active", "key"])
    op.create_index("ix_templates_face_id_contract", "templates", ["face_id", "contract"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_templates_face_id_contract", table_name="templates")
    op.drop_index("ix_templates_contract_active_key", table_name="templates")
    op.create_index("ix_templates_face_id", "templates", ["face_id"])
    op.create_index("ix_templates_contract_active_kind_person_key_region", "templates", COUNTED)
    op.drop_table("gallery_counts")
