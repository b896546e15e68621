"""`lighthouse index`: the gallery's indexes, one for each contract, against the rows they are pictures of."""

from functools import partial

import typer
from rich.progress import Progress, TaskID

from api import migrations
from api.cli import changeover
from api.cli.terminal import Json, answer, opened_node, progress, say, show_table, yes
from api.gallery import census, history, replica
from api.gallery.matcher import open_matcher
from api.kit.i18n import N_
from facematch import bundle as bundles

app = typer.Typer(help="The index: rebuild, verify, stats, migrate, retire.", no_args_is_help=True)
app.command("migrate")(changeover.migrate)
app.command("retire")(changeover.retire)


@app.command()
def rebuild(as_json: Json = False) -> None:
    """Throw every index away and draw it again from the rows; count who can be found again."""
    with opened_node() as node, progress() as bar:
        migrations.check(node.db)
        matcher = open_matcher(node)
        for memory in matcher.memories:
            task = bar.add_task(memory.contract, total=None)
            replica.rebuild_live(node, memory.live, progress=partial(_show, bar, task))
        with node.db.write() as session:
            history.recount(session)
        replica.save_snapshots(node, matcher)
        stamps = [memory.live.stamp for memory in matcher.memories]
    if as_json:
        rows = [{"contract": one.contract, "revision": one.revision, "templates": one.count} for one in stamps]
        answer({"contracts": rows})
        return
    for stamp in stamps:
        facts = {"contract": stamp.contract, "count": stamp.count, "revision": stamp.revision}
        say(N_("%(contract)s rebuilt: %(count)s templates at revision %(revision)s."), **facts)


@app.command()
def verify(as_json: Json = False) -> None:
    """Compare every id and a sample of vectors with the rows, and who is counted; exit 1 when they differ."""
    with opened_node() as node:
        migrations.check(node.db)
        matcher = open_matcher(node)
        reports = {memory.contract: replica.verify(node, memory.live) for memory in matcher.memories}
        with node.db.read() as session:
            counted = census.is_true(session)
    ok = counted and all(report.ok for report in reports.values())
    if as_json:
        rows = [{"contract": contract, "ok": one.ok, **one.__dict__} for contract, one in reports.items()]
        answer({"ok": ok, "persons_counted_right": counted, "contracts": rows})
    else:
        for contract, report in reports.items():
            say(_finding(report), contract=contract, **report.__dict__)
        if not counted:
            say(N_("The number of people who can be found is kept wrong: run `lighthouse index rebuild`."))
    if not ok:
        raise typer.Exit(1)


@app.command()
def stats(as_json: Json = False) -> None:
    """Every contract with templates: its bundle, whether it is used, its revision, templates and persons."""
    with opened_node() as node:
        migrations.check(node.db)
        settings = node.settings
        names = {bundles.contract_id(one): one.name for one in bundles.list_bundles(settings.models_dir)}
        with node.db.read() as session:
            rows = [
                {
                    "contract": contract,
                    "bundle": names.get(contract),
                    "in_use": names.get(contract) in settings.bundles,
                    "revision": replica.head_revision(session, contract),
                    "templates": templates,
                    "persons": census.under(session, contract),
                }
                for contract, templates in sorted(census.templates(session).items())
            ]
    if as_json:
        answer({"engine": settings.index_engine, "device": settings.index_device, "contracts": rows})
        return
    columns = [N_("Contract"), N_("Bundle"), N_("Used"), N_("Revision"), N_("Templates"), N_("Persons")]
    cells = [[yes(cell) if isinstance(cell, bool) else cell for cell in row.values()] for row in rows]
    show_table(columns, cells)


def _show(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _finding(report: replica.VerifyReport) -> str:
    if report.ok:
        return N_("%(contract)s is true to the rows (%(templates)s templates).")
    return N_(
        "%(contract)s differs (missing %(missing)s, surplus %(surplus)s, different %(different)s): "
        "run `lighthouse index rebuild`."
    )
