"""Alembic's entry: runs on the connection `api.migrations` opened."""

from typing import Literal

from alembic import context

from api.kit.db import Moment
from api.tables import METADATA


def render_plainly(kind: str, item: object, _autogen: object) -> str | Literal[False]:
    """Write library types into migrations, so that an old migration never needs today's code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_item=render_plainly,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
