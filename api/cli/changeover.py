"""`lighthouse index migrate` and `retire`: from one model to another while searches go on, and back."""

import os
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from api import migrations
from api.cli.terminal import Json, _, answer, opened_node, progress, say, show_table
from api.gallery import reembed, replica
from api.gallery import retire as retiring
from api.kit.i18n import N_
from api.kit.node import Node
from facematch.extractor import Extractor, open_extractor
from facematch.likelihood import read_calibration
from index.live import LiveIndex

SHOWN = 20  # faces listed for people; programs get all of them


def migrate(
    to: Annotated[str, typer.Option("--to", help="Bundles that are to see every stored face, separated by commas.")],
    as_json: Json = False,
) -> None:
    """Give every stored face a template of another model while the present one goes on serving; may run again."""
    with opened_node() as node, progress() as bar:
        migrations.check(node.db)
        models = [_open(node, name.strip()) for name in to.split(",") if name.strip()]
        reports = {model.bundle.name: _migrate(node, model, bar) for model in models}
    if as_json:
        answer({"bundles": [{"bundle": name, **_facts(report)} for name, report in reports.items()]})
        return
    for name, report in reports.items():
        facts = {"unseen": len(report.unseen), "unreadable": len(report.unreadable), "matched": report.matched}
        say(
            N_("%(name)s: %(matched)s stored faces got a template, under contract %(contract)s."),
            name=name,
            **(facts | {"contract": report.contract}),
        )
        if report.failed:
            say(N_("It did not see %(unseen)s stored faces, and %(unreadable)s pictures could not be read:"), **facts)
            show_table([N_("Case"), N_("Picture"), N_("Face")], _rows(report)[:SHOWN])
    say(N_("To use it, set LIGHTHOUSE_BUNDLES and start again; the earlier templates stay until they are retired."))


def retire(
    contract: Annotated[str, typer.Argument(help="A contract that no bundle of the settings has (see stats).")],
    yes: Annotated[bool, typer.Option("--yes", help="These templates may go for good.")] = False,
    as_json: Json = False,
) -> None:
    """Remove every template of a contract that is no longer used, and its index."""
    with opened_node() as node, progress() as bar:
        migrations.check(node.db)
        task = bar.add_task(_(N_("Removing templates")), total=None)
        removed = retiring.retire(
            node,
            contract,
            confirmed=yes,
            done=lambda count, total: bar.update(task, completed=count, total=total),
        )
    if as_json:
        answer({"contract": contract, "removed": removed})
    else:
        say(N_("Removed: %(count)s templates of contract %(contract)s."), count=removed, contract=contract)


def _open(node: Node, name: str) -> Extractor:
    """One thread a picture, and a picture for each core. A model whose similarities mean nothing is refused first."""
    settings = node.settings
    model = open_extractor(
        name, models_dir=settings.models_dir, weights_dir=settings.weights_dir, device=settings.device, threads=1
    )
    read_calibration(model.bundle.folder / "calibration.json", contract=model.contract)
    return model


def _migrate(node: Node, model: Extractor, bar: Progress) -> reembed.Report:
    with node.db.read() as session:
        waiting = reembed.photos_waiting(session, model.contract)
    task: TaskID = bar.add_task(model.bundle.name, total=waiting)
    workers = node.settings.threads or os.cpu_count() or 1
    report = reembed.reembed(node, model, workers=workers, done=lambda photos: bar.advance(task, photos))
    index = replica.open_index(node, model.contract, model.dimension)
    replica.save_snapshot(node, LiveIndex(index))  # so that the start under the new contract is quick
    return report


def _facts(report: reembed.Report) -> dict[str, object]:
    return {
        "contract": report.contract,
        "faces_matched": report.matched,
        "faces_unseen": [face.__dict__ for face in report.unseen],
        "photos_unreadable": report.unreadable,
    }


def _rows(report: reembed.Report) -> list[tuple[object, ...]]:
    unseen = [(face.case_id, face.photo_id, face.ordinal) for face in report.unseen]
    return [*unseen, *(("", photo_id, "") for photo_id in report.unreadable)]
