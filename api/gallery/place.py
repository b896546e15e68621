"""Where the index of a contract is kept: in this process, with a file to start from, or on a server for all processes.

Never reads a template.
"""

import fcntl
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from api.kit.node import Node
from api.kit.settings import Settings
from index import factory
from index.errors import ServerUnreachable
from index.types import Server, VectorIndex

NAMESPACE_PURPOSE = "index-namespace"
LOOK_S = 0.02  # between two tries to get the turn


def is_shared(settings: Settings) -> bool:
    """Whether all processes look at one index on a server."""
    return settings.index_engine in factory.SHARED


def new_index(node: Node, contract: str, dimension: int) -> VectorIndex:
    """An empty index, or the shared one as it is. Raises EngineUnavailable."""
    settings = node.settings
    server = server_of(node) if is_shared(settings) else None
    return factory.new_index(settings.index_engine, contract, dimension, device=settings.index_device, server=server)


def snapshot_path(node: Node, contract: str) -> Path:
    """Where the index of one contract is kept for the next start."""
    return node.settings.home / "index" / f"{contract}.snapshot"


def discard(node: Node, contract: str) -> None:
    """Remove what is kept of a contract's index. Raises EngineUnavailable."""
    snapshot_path(node, contract).unlink(missing_ok=True)
    if is_shared(node.settings):
        with turn(node, contract):
            factory.drop_index(contract, server=server_of(node))


def server_of(node: Node) -> Server:
    """The server of the settings. Nodes with different master keys do not meet there."""
    settings = node.settings
    token = settings.milvus_token_file.read_text().strip() if settings.milvus_token_file else ""
    namespace = node.vault.derive(NAMESPACE_PURPOSE).hex()[:12]
    return Server(settings.milvus_uri, namespace, token=token, timeout_s=settings.milvus_timeout_s)


@contextmanager
def turn(node: Node, contract: str, *, wait_s: float = math.inf) -> Iterator[None]:
    """Nobody else, in any process, changes this contract's shared index meanwhile; one of our own needs no turn.

    The database or the system takes the turn back from a process that dies. ServerUnreachable after `wait_s`: somebody
    else is still at work, for instance drawing the index anew.
    """
    if not is_shared(node.settings):
        yield
    elif node.db.is_sqlite:
        with _turn_by_file(snapshot_path(node, contract).with_suffix(".turn"), wait_s):
            yield
    else:
        with _turn_by_database(node, contract, wait_s):
            yield


@contextmanager
def _turn_by_file(path: Path, wait_s: float) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait(lambda: _locked(file), wait_s)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _turn_by_database(node: Node, contract: str, wait_s: float) -> Iterator[None]:
    digest = hashlib.sha256(f"{NAMESPACE_PURPOSE} {contract}".encode()).digest()
    key = int.from_bytes(digest[:8], signed=True)
    with node.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _wait(lambda: bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key)))), wait_s)
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))


def _wait(take: Callable[[], bool], wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not take():
        if time.monotonic() >= deadline:
            raise ServerUnreachable(engine="milvus", reason="another process changes the index")
        time.sleep(LOOK_S)
