"""The database's shape: migrations lead to exactly the tables the rooms declare, up and down, on both databases."""

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from rich.progress import Progress

from api import migrations
from api.accounts.policy import Role
from api.gallery.models import TemplateRow
from api.kit.db import Database
from api.kit.node import Node
from api.kit.problems import DatabaseOutdated
from api.tables import METADATA
from benchmarks.node import add_user, fill_gallery
from tests.index.exact_twin import units


def test_migrated_database_is_what_the_rooms_declare(node: Node) -> None:
    with node.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []


def test_down_to_nothing_and_up_again(node: Node) -> None:
    migrations.downgrade(node.db, "base")
    left = set(sa.inspect(node.db.engine).get_table_names()) - {"alembic_version"}
    assert left == set()
    migrations.upgrade(node.db)
    assert set(METADATA.tables) <= set(sa.inspect(node.db.engine).get_table_names())


def test_a_database_at_an_older_migration_is_refused(node: Node) -> None:
    migrations.downgrade(node.db, "0001")
    with pytest.raises(DatabaseOutdated) as refusal:
        migrations.check(node.db)
    assert refusal.value.facts == {"stands_at": "0001", "needed": migrations.newest()}


def test_an_empty_database_is_refused_too(tmp_path) -> None:  # type: ignore[no-untyped-def]
    db = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(DatabaseOutdated):
        migrations.check(db)
    db.close()


def test_postgresql_keeps_templates_in_their_rows(node: Node) -> None:
    if node.db.is_sqlite:
        pytest.skip("SQLite has no place aside")
    actor, _ = add_user(node, "shelter", Role.REGISTRAR, kind="shelter", region="330100")
    vectors = units(np.random.default_rng(1), 3, 512)
    fill_gallery(node, actor, contract="0" * 16, vectors=vectors, progress=Progress(disable=True))
    aside = sa.text("SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'templates'")
    with node.db.read() as session:
        assert session.scalar(aside) == 0
        assert set(session.scalars(sa.select(sa.func.length(TemplateRow.sealed)))) == {512 * 4 + 29}
