"""`lighthouse import`: bulk registration of found persons from a folder of pictures and a CSV table.

Each person is one transaction that also remembers its line, so an import that was interrupted goes on
with --resume where it stopped and registers nobody twice.
"""

import hashlib
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from pydantic import ValidationError
from sqlalchemy.orm import Session

from api import migrations, worker
from api.accounts import service as accounts
from api.accounts.policy import Actor
from api.cases import photos
from api.cases import service as cases
from api.cases.models import Photo
from api.cli.import_table import COLUMNS, Line, Outcome, group, person_in, read_table, write_report
from api.cli.terminal import Json, answer, language, opened_node, progress, say
from api.gallery.matcher import open_matcher
from api.kit.i18n import N_, translator
from api.kit.idempotency import Once, StoredAnswer
from api.kit.node import Node
from api.kit.problems import ImportBegun, InvalidInput, NotFound, Refusal
from facematch.errors import ImageRefused


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
        _refuse_second_start(node, actor, batch, resume=resume)
        outcomes = register_all(node, actor, folder, persons, batch=batch)
        enrol_all(node)
        outcomes = [_after_enrolment(node, outcome) for outcome in outcomes]
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


def register_all(node: Node, actor: Actor, folder: Path, persons: list[list[Line]], *, batch: str) -> list[Outcome]:
    """Register every person once; what was done in an earlier run is only read."""
    outcomes: list[Outcome] = []
    with progress() as bar:
        for lines in bar.track(persons, description=translator(language())(N_("Registering"))):
            outcomes += register_person(node, actor, folder, lines, batch=batch)
    return outcomes


def register_person(node: Node, actor: Actor, folder: Path, lines: list[Line], *, batch: str) -> list[Outcome]:
    """One person with all pictures that can be read, in one transaction with the memory of having done it."""
    once = Once(f"import/{batch}/{lines[0].person}", actor.user_id, batch, node.clock())
    with node.db.read() as session:
        stored = once.recall(session)
    if stored is not None:
        return [Outcome(**outcome) for outcome in stored["outcomes"]]
    ready, outcomes = _prepare_pictures(node, folder, lines)
    try:
        with node.db.write() as session:
            outcomes += _register(session, node, actor, lines[0], ready) if ready else []
            once.keep(session, {"outcomes": [outcome.__dict__ for outcome in outcomes]})
    except (Refusal, ValidationError) as refusal:
        code = refusal.code if isinstance(refusal, Refusal) else InvalidInput.code
        outcomes = [Outcome(line.number, line.cells["file"], "refused", code) for line in lines]
    return outcomes


def enrol_all(node: Node) -> None:
    """Find faces and search for everybody just registered."""
    matcher = open_matcher(node)
    with progress() as bar:
        task = bar.add_task(translator(language())(N_("Finding faces")), total=None)
        worker.run_waiting(node, matcher, done=lambda: bar.advance(task))


def _prepare_pictures(
    node: Node, folder: Path, lines: list[Line]
) -> tuple[list[tuple[Line, photos.Prepared]], list[Outcome]]:
    ready, refused = [], []
    for line in lines:
        try:
            ready.append((line, photos.prepare(node, _read_inside(folder, line.cells["file"]))))
        except (ImageRefused, Refusal) as refusal:
            refused.append(Outcome(line.number, line.cells["file"], "refused", refusal.code))
    return ready, refused


def _read_inside(folder: Path, name: str) -> bytes:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise NotFound(file=name)
    return path.read_bytes()


def _register(
    session: Session, node: Node, actor: Actor, first: Line, ready: list[tuple[Line, photos.Prepared]]
) -> list[Outcome]:
    now = node.clock()
    case = cases.register_found(session, actor, person_in(first), now=now)
    outcomes = []
    for line, prepared in ready:
        photo = photos.accept_photo(
            session,
            actor,
            case.id,
            prepared,
            person_id=None,
            role="capture",
            taken_on=line.cells["taken_on"],
            source="import",
            settings=node.settings,
            now=now,
        )
        outcomes.append(Outcome(line.number, line.cells["file"], "registered", case=case.id, photo=photo.id))
    return outcomes


def _after_enrolment(node: Node, outcome: Outcome) -> Outcome:
    if not outcome.photo:
        return outcome
    with node.db.read() as session:
        state = session.scalar(sa.select(Photo.state).where(Photo.id == outcome.photo))
    if state == "enrolled":
        return outcome
    code = {"no_face": "no-face", "needs_choice": "face-choice-needed"}.get(state or "", "")
    return Outcome(outcome.line, outcome.file, "waiting", code, outcome.case, outcome.photo)


def _actor(node: Node, login: str) -> Actor:
    with node.db.read() as session:
        return accounts.actor_of(accounts.find_user(session, login), now=node.clock())


def _refuse_second_start(node: Node, actor: Actor, batch: str, *, resume: bool) -> None:
    query = sa.select(StoredAnswer.key).where(
        StoredAnswer.user_id == actor.user_id, StoredAnswer.key.startswith(f"import/{batch}/")
    )
    with node.db.read() as session:
        begun = session.scalar(query.limit(1)) is not None
    if begun and not resume:
        raise ImportBegun
