"""`lighthouse demo`: a whole search from registration to home, on real weights and photographs.

It works in a home folder of its own, which it makes anew each time; it never touches another node's data.
"""

import logging
import secrets
import shutil
import time
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from api import migrations
from api.app import create_app
from api.cli.demo_line import Line
from api.cli.demo_story import Story
from api.cli.demo_world import PEOPLE, gather_pictures, settle
from api.cli.serve import serving, wait_for_interrupt
from api.cli.terminal import say, show_table
from api.gallery import replica
from api.gallery.matcher import open_matcher
from api.kit.i18n import N_
from api.kit.logs import set_up_logs
from api.kit.node import open_node
from api.kit.settings import Settings

LOOPBACK = "127.0.0.1"


def demo(
    port: Annotated[int, typer.Option(help="Port of the pages; 0 takes a free one.")] = 8400,
    home: Annotated[
        Path, typer.Option(help="Folder of the demonstration; what lies there from an earlier one is removed.")
    ] = Path("var/demo"),
    keep_serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the pages afterwards.")] = True,
) -> None:
    """Run the whole loop to home, then serve the pages with a ready user of each role."""
    set_up_logs(level=logging.WARNING)
    begun = time.monotonic()
    _clear(home)
    settings = Settings(home=home, host=LOOPBACK, port=port, database_url="", poll_interval_s=0.2)
    node = open_node(settings)
    try:
        migrations.upgrade(node.db)
        say(N_("Loading the weights …"))
        matcher = open_matcher(node)
        password, tokens = settle(node)
        app = create_app(node, matcher)
        app.state.demo_users = [(login, password, name) for login, (_, _, name) in PEOPLE.items()]
        with serving(app, settings) as address:
            with httpx2.Client(base_url=address, timeout=60) as http:
                Story(Line(http, tokens), gather_pictures(matcher)).tell()
            say(N_("\nHome in %(seconds)s seconds."), seconds=round(time.monotonic() - begun))
            if keep_serving:
                _invite(address, password)
                wait_for_interrupt()
        replica.save_snapshots(node, matcher)
    finally:
        node.close()


def _invite(address: str, password: str) -> None:
    """What to try now."""
    say(
        N_("\nOpen %(address)s and sign in; every login has the password  %(password)s"),
        address=address,
        password=password,
    )
    show_table([N_("Login"), N_("Who")], [(login, name) for login, (_, _, name) in PEOPLE.items()])
    say(N_("Try: sign in as registrar and open what waits for you: a second pair was found by the standing search."))
    say(N_("Then as coordinator invite expert1 and expert2, compare as each of them, go on as verifier and liaison."))
    say(N_("Ctrl-C ends the service."))


def _clear(home: Path) -> None:
    """Remove an earlier demonstration, and nothing else: the folder must carry our mark."""
    mark = home / ".lighthouse-demo"
    if home.exists() and any(home.iterdir()):
        if not mark.exists():
            raise typer.BadParameter(str(home))
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark.write_text(secrets.token_hex(4))
