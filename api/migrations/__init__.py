"""The database's shape over time (Alembic), up and down on SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from api.kit.db import Database
from api.kit.problems import DatabaseOutdated

FOLDER = Path(__file__).parent


def upgrade(db: Database, revision: str = "head") -> None:
    """Bring the database up to a revision; nothing changes when a step fails on PostgreSQL or SQLite."""
    with _config(db) as config:
        command.upgrade(config, revision)


def downgrade(db: Database, revision: str) -> None:
    """Take the database back to a revision (`base` empties it)."""
    with _config(db) as config:
        command.downgrade(config, revision)


def newest() -> str:
    """The revision this program was built for."""
    return ScriptDirectory(str(FOLDER)).get_current_head() or "base"


def current(db: Database) -> str:
    """The revision the database stands at; `base` when it is empty."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or "base"


def check(db: Database) -> None:
    """Return when the database fits the program, else raise DatabaseOutdated."""
    stands_at = current(db)
    if stands_at != newest():
        raise DatabaseOutdated(stands_at=stands_at, needed=newest())


@contextmanager
def _config(db: Database) -> Iterator[Config]:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        yield config
        connection.commit()
