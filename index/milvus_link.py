"""The wire to a Milvus server, or to a milvus-lite file: every call has its limit of time and every failure one name.

It never answers a failure with an empty result: whoever asks gets rows, or a refusal.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from pymilvus import MilvusClient, MilvusException

from index.errors import EngineUnavailable, ServerUnreachable
from index.types import Server

CONNECT_FAILED = 2  # the highest code that pymilvus gives by itself, without an answer
NOT_FOUND = frozenset({100, 1600})  # no such collection, no such alias
NOT_LOADED = frozenset({101, 106})  # as after a restart of milvus-lite
PATIENT_S = 600.0  # for making and loading a collection, which takes as long as it takes
STRONG = "Strong"  # a read waits until it sees everything written before it was asked

logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # its errors come as refusals; its log would quote rows


class Link:
    """One connection, made when it is first needed and made again after it was lost. Many threads may use it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: MilvusClient | None = None
        self._turn = threading.Lock()

    def call(self, name: str, *args: Any, timeout_s: float | None = None, **words: Any) -> Any:
        """One call of the client. ServerUnreachable, EngineUnavailable."""
        with self.asking() as client:
            return getattr(client, name)(*args, timeout=timeout_s or self._server.timeout_s, **words)

    def call_if_there(self, name: str, collection: str, **words: Any) -> Any:
        """The same of a collection or alias that may not exist: None then. One that lies unloaded is loaded first.

        Asked twice before it is refused: an alias may just have passed from one collection to another.
        """
        try:
            return self.call(name, collection, **words)
        except ServerUnreachable:
            raise
        except EngineUnavailable as trouble:
            code = trouble.facts.get("server_code")
        try:
            if code in NOT_LOADED:
                self.call("load_collection", collection, timeout_s=PATIENT_S)
            return self.call(name, collection, **words)
        except EngineUnavailable as trouble:
            if trouble.facts.get("server_code") in NOT_FOUND:
                return None
            raise

    @contextmanager
    def asking(self) -> Iterator[MilvusClient]:
        """The client; what it raises becomes a refusal."""
        uri = self._server.uri
        try:
            yield self._connected()
        except MilvusException as trouble:
            code = trouble.code
            if isinstance(code, int) and code > CONNECT_FAILED:  # the server has answered
                raise EngineUnavailable(engine="milvus", server_code=int(code)) from trouble
            raise ServerUnreachable(engine="milvus", server=uri) from trouble
        except (grpc.RpcError, ValueError, OSError) as trouble:  # ValueError: a channel that was closed
            raise ServerUnreachable(engine="milvus", server=uri) from trouble

    def _connected(self) -> MilvusClient:
        with self._turn:
            if self._client is None:
                server = self._server
                self._client = MilvusClient(server.uri, token=server.token, timeout=server.timeout_s)
            return self._client
