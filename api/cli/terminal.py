"""How the command speaks: the reader's language, a table for people, one JSON object for programs."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from api.kit.i18n import N_, choose_language, translator
from api.kit.node import Node, open_node
from api.kit.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object, for programs.")]
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def language() -> str:
    """The reader's language by LC_ALL, LC_MESSAGES or LANG."""
    return choose_language(os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG"))


def _(message: str) -> str:
    return translator(language())(message)


def say(message: str, **facts: object) -> None:
    """One line for people, its facts filled in."""
    out.print(_(message) % facts, soft_wrap=True, markup=False)


def answer(value: Mapping[str, Any]) -> None:
    """One JSON object for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for people."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(_(column))
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)


def yes(value: object) -> str:
    """Yes or no, in the reader's language."""
    return _(N_("yes")) if value else _(N_("no"))


def progress() -> Progress:
    """A progress bar on standard error."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err
    )


@contextmanager
def opened_node(settings: Settings | None = None) -> Iterator[Node]:
    """The node of the settings, closed afterwards."""
    node = open_node(settings or Settings())
    try:
        yield node
    finally:
        node.close()
