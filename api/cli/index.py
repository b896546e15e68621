"""`lighthouse index`: the gallery's index against the rows it is a picture of."""

import typer

from api import migrations
from api.cli.terminal import Json, answer, opened_node, progress, say
from api.gallery import replica
from api.gallery.matcher import open_matcher
from api.kit.i18n import N_

app = typer.Typer(help="The index: rebuild, verify, stats.", no_args_is_help=True)


@app.command()
def rebuild(as_json: Json = False) -> None:
    """Throw the index away and draw it again from the rows."""
    with opened_node() as node, progress() as bar:
        migrations.check(node.db)
        matcher = open_matcher(node)
        task = bar.add_task("", total=None)
        replica.rebuild_live(node, matcher, progress=lambda done, total: bar.update(task, completed=done, total=total))
        replica.save_snapshot(node, matcher)
        stamp = matcher.live.stamp
    if as_json:
        answer({"contract": stamp.contract, "revision": stamp.revision, "templates": stamp.count})
    else:
        say(N_("Rebuilt: %(count)s templates at revision %(revision)s."), count=stamp.count, revision=stamp.revision)


@app.command()
def verify(as_json: Json = False) -> None:
    """Compare every id and a sample of vectors with the rows; exit 1 when they differ."""
    with opened_node() as node:
        migrations.check(node.db)
        matcher = open_matcher(node)
        report = replica.verify(node, matcher)
    if as_json:
        answer({"ok": report.ok, "missing": report.missing, "surplus": report.surplus, "different": report.different})
    elif report.ok:
        say(N_("The index is true to the rows (%(count)s templates)."), count=report.templates)
    else:
        say(
            N_("The index differs (missing %(missing)s, surplus %(surplus)s, different %(different)s): rebuild it."),
            missing=report.missing,
            surplus=report.surplus,
            different=report.different,
        )
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def stats(as_json: Json = False) -> None:
    """How many templates and persons, under which contract, at which revision."""
    with opened_node() as node:
        migrations.check(node.db)
        matcher = open_matcher(node)
        replica.catch_up(node, matcher)
        stamp = matcher.live.stamp
        facts = {
            "engine": node.settings.index_engine,
            "device": node.settings.index_device,
            "contract": stamp.contract,
            "dimension": matcher.extractor.dimension,
            "revision": stamp.revision,
            "templates": stamp.count,
            "persons": replica.count_persons(node, matcher),
        }
    if as_json:
        answer(facts)
    else:
        for name, value in facts.items():
            say("%(name)s: %(value)s", name=name, value=value)
