"""Entry of the command: puts the groups together and turns a refusal into two clear lines."""

import sys

import typer

from api import errors
from api.cli import database, demo, doctor, faces, importing, index, serve, users, weights
from api.cli.terminal import answer, err, language
from api.kit.i18n import translator
from api.kit.logs import set_up_logs
from api.kit.problems import Refusal
from facematch.errors import EyeError
from index.errors import MemoryRefusal

app = typer.Typer(
    name="lighthouse",
    help="Lighthouse brings lost people home: a portrait goes in, the person is found, two people agree.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(serve.work)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("import")(importing.import_folder)
app.add_typer(database.app, name="db")
app.add_typer(weights.app, name="models")
app.add_typer(index.app, name="index")
app.add_typer(users.app, name="users")
app.add_typer(faces.app, name="faces")


def run() -> None:
    """Run the command; exit 1 with the problem in the reader's language when it is refused."""
    set_up_logs()
    try:
        app()
    except (Refusal, EyeError, MemoryRefusal) as refusal:
        problem = errors.describe(refusal, translator(language()))
        if "--json" in sys.argv:
            answer(
                {
                    "problem": {
                        "code": problem.code,
                        "title": problem.title,
                        "detail": problem.todo,
                        "facts": problem.facts,
                    }
                }
            )
        facts = ", ".join(f"{name}: {value}" for name, value in problem.facts.items())
        err.print(f"{problem.title} [{problem.code}]" + (f" ({facts})" if facts else ""), markup=False, soft_wrap=True)
        err.print(problem.todo, markup=False, soft_wrap=True)
        sys.exit(1)
