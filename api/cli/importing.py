"""`lighthouse import`: bulk registration of found persons from a folder of pictures and a CSV table.

An import that was interrupted goes on with --resume where it stopped, and registers nobody twice.
"""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from api import migrations, worker
from api.accounts import service as accounts
from api.accounts.policy import Actor
from api.cli.import_run import Import, done_before, register_all
from api.cli.import_table import COLUMNS, Line, Outcome, group, read_table, write_report
from api.cli.terminal import Json, answer, language, opened_node, progress, say
from api.gallery.matcher import Matcher, open_matcher
from api.kit.i18n import N_, translator
from api.kit.node import Node
from api.kit.problems import ImportBegun


def import_folder(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the pictures.")],
    table: Annotated[
        Path, typer.Option("--csv", exists=True, dir_okay=False, help="Columns: " + ", ".join(COLUMNS) + ".")
    ],
    login: Annotated[str, typer.Option("--as", help="Login of the registrar in whose name this is done.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an import that was interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Register many found persons; refused files are listed with the reason in a report beside the table."""
    with opened_node() as node:
        migrations.check(node.db)
        actor = _actor(node, login)
        batch = hashlib.sha256(table.read_bytes()).hexdigest()[:16]
        persons = list(group(read_table(table)))
        known = done_before(node, actor, batch)
        if known and not resume:
            raise ImportBegun
        matcher = open_matcher(node, many=True)
        outcomes = _register(Import(node, matcher, actor, folder, batch), persons, known)
        _search(node, matcher)
    report = table.with_suffix(".report.csv")
    counts = write_report(report, outcomes)
    if as_json:
        answer({**counts, "report": str(report)})
    else:
        say(
            N_("Registered %(registered)s pictures; refused %(refused)s; waiting for a person's look %(waiting)s."),
            **counts,
        )
        say(N_("Every line with its outcome: %(report)s"), report=report)


def _register(work: Import, persons: list[list[Line]], known: dict[str, list[Outcome]]) -> list[Outcome]:
    with progress() as bar:
        task = bar.add_task(translator(language())(N_("Registering")), total=len(persons))
        return register_all(work, persons, known=known, done=lambda count: bar.advance(task, count))


def _search(node: Node, matcher: Matcher) -> None:
    """Ask those who wait about everybody just registered; what is left when this is interrupted stays waiting work."""
    with progress() as bar:
        task = bar.add_task(translator(language())(N_("Searching for those who wait")), total=None)
        worker.run_waiting(node, matcher, done=lambda count: bar.advance(task, count))


def _actor(node: Node, login: str) -> Actor:
    with node.db.read() as session:
        return accounts.actor_of(accounts.find_user(session, login), now=node.clock())
