"""A real Milvus of the tests' own: milvus-lite behind an address, so that several processes reach it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from milvus_lite.adapter.grpc.server import start_server_in_thread

from index.errors import ServerUnreachable

Answer = TypeVar("Answer")
PATIENCE_S = 20


class Machine:
    """A Milvus that can be switched off and on again at the same address, with the same data."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = str(folder / "lite.db")
        self.port = 0
        self.switch_on()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def switch_on(self) -> None:
        self._server, self._database, self.port = start_server_in_thread(self._folder, port=self.port)

    def switch_off(self) -> None:
        self._server.stop(grace=None).wait()
        self._database.close()


def patiently(ask: Callable[[], Answer]) -> Answer:
    """The answer of a server that has just come back: connections try again after a second or two."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except ServerUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.2)
