"""`lighthouse db`: the database's shape."""

import typer

from api import migrations
from api.cli.terminal import Json, answer, opened_node, say
from api.kit.i18n import N_

app = typer.Typer(help="The database.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The database."""


@app.command()
def upgrade(as_json: Json = False) -> None:
    """Bring the database to the shape this program needs; nothing is lost."""
    with opened_node() as node:
        before = migrations.current(node.db)
        migrations.upgrade(node.db)
        after = migrations.current(node.db)
    if as_json:
        answer({"before": before, "after": after})
    else:
        say(N_("The database stands at %(after)s (before: %(before)s)."), before=before, after=after)
