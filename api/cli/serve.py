"""`lighthouse serve` and `lighthouse worker`: the service, and one more pair of hands for it."""

import ipaddress
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from api import migrations
from api.accounts import service as accounts
from api.app import create_app
from api.cli.terminal import opened_node, say
from api.gallery import replica
from api.gallery.matcher import open_matcher
from api.kit.i18n import N_
from api.kit.node import Node
from api.kit.problems import AddressTaken
from api.kit.settings import Settings
from api.worker import Worker

PATIENCE_S = 30


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Start the service and its pages; Ctrl-C ends it."""
    chosen = {"host": host, "port": port}
    settings = Settings(**{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]
    with opened_node(settings) as node:
        migrations.check(node.db)
        refuse_unguarded(node)
        matcher = open_matcher(node)
        say(N_("Lighthouse is at http://%(host)s:%(port)s — Ctrl-C ends it."), host=settings.host, port=settings.port)
        uvicorn.Server(_config(create_app(node, matcher), settings)).run()
        replica.save_snapshots(node, matcher)


def work() -> None:
    """Do waiting work (enrolment, standing searches) beside a running service; Ctrl-C ends it."""
    with opened_node() as node:
        migrations.check(node.db)
        matcher = open_matcher(node, many=True)
        say(N_("Working; Ctrl-C ends it."))
        worker = Worker(node, matcher)
        try:
            worker.run()
        except KeyboardInterrupt:
            worker.stop()


def refuse_unguarded(node: Node) -> None:
    """There are no default credentials; so nobody else may reach a node that has no administrator yet."""
    try:
        beyond = not ipaddress.ip_address(node.settings.host).is_loopback
    except ValueError:
        beyond = node.settings.host != "localhost"
    with node.db.read() as session:
        if beyond and not accounts.has_administrator(session):
            raise accounts.NoAdministrator(host=node.settings.host)


@contextmanager
def serving(app: FastAPI, settings: Settings) -> Iterator[str]:
    """The service on a thread of this process, ready to answer at the address given; stopped at the end of the block.

    Port 0 takes a free one. Raises AddressTaken.
    """
    server = uvicorn.Server(_config(app, settings))
    thread = threading.Thread(target=server.run, name="pages", daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise AddressTaken(host=settings.host, port=settings.port)
        time.sleep(0.05)
    try:
        yield f"http://{settings.host}:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE_S)


def wait_for_interrupt() -> None:
    """Sleep until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning", server_header=False)
