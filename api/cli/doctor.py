"""`lighthouse doctor`: each line says what is right, or what to do. Changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa
import typer
from rich.cells import set_cell_size
from rich.markup import escape

from api import errors, migrations
from api.audit.models import AuditEntry
from api.cli import device_words
from api.cli.terminal import Json, _, answer, language, opened_node, out
from api.gallery import census, replica
from api.gallery.matcher import open_eye, open_matcher
from api.kit.i18n import N_, translator
from api.kit.node import Node
from api.kit.problems import Refusal
from api.kit.settings import Settings
from facematch import bundle as bundles
from facematch import devices
from facematch.errors import EyeError
from facematch.likelihood import read_calibration
from index.errors import MemoryRefusal

OTHERS = N_(
    "%(count)s templates at revision %(revision)s, true to the rows; %(others)s persons can be found under another "
    "contract only (`lighthouse index migrate --to %(name)s`)"
)
SUBJECT_CELLS = 12  # of a terminal; a Chinese character takes two
RELEASED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is right, and what was seen or is to be done."""

    subject: str
    ok: bool
    words: str


def doctor(as_json: Json = False) -> None:
    """Look at device, weights, database, index and clock; exit 1 when something is not right."""
    findings = list(examine(Settings()))
    if as_json:
        answer({"ok": all(finding.ok for finding in findings), "findings": [finding.__dict__ for finding in findings]})
    for finding in [] if as_json else findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        out.print(mark, set_cell_size(_(finding.subject), SUBJECT_CELLS), escape(finding.words), soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other; a thing that is wrong does not stop the rest."""
    yield _look(N_("device"), lambda: _device(settings))
    for name in settings.bundles:
        yield _look(N_("weights"), partial(_weights, settings, name))
        yield _look(N_("calibration"), partial(_calibration, settings, name))
    with opened_node(settings) as node:
        yield _look(N_("key"), lambda: _(N_("in place, id %(id)s")) % {"id": node.vault.key_id})
        yield _look(N_("database"), lambda: _database(node))
        for name in settings.bundles:
            yield _look(N_("index"), partial(_index, node, name))
        yield _look(N_("clock"), lambda: _clock(node))


class Unwell(Exception):
    """Something the doctor found that no room refuses; the message says what to do."""


def _look(subject: str, examine_it: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, examine_it())
    except Unwell as finding:
        return Finding(subject, False, str(finding))
    except (Refusal, EyeError, MemoryRefusal) as refusal:
        problem = errors.describe(refusal, translator(language()))
        return Finding(subject, False, f"{problem.title}. {problem.todo} [{problem.code}]")
    except sa.exc.OperationalError:
        return Finding(subject, False, _(errors.DATABASE_DOWN.title))


def _device(settings: Settings) -> str:
    report = devices.describe_device(settings.device)
    if not report.usable:
        raise Unwell(_(device_words.WORDS[report.trouble]) % {"detail": report.detail})
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return f"{report.device}: {report.provider} ({versions})"


def _weights(settings: Settings, name: str) -> str:
    bundle = bundles.read_bundle(name, settings.models_dir)
    bundles.verify_weights(bundle, settings.weights_dir)
    use = N_("commercial use allowed") if bundle.commercial_use else N_("research only")
    words = {"name": bundle.name, "contract": bundles.contract_id(bundle), "licence": bundle.licence, "use": _(use)}
    return _(N_("%(name)s as published, contract %(contract)s, %(licence)s, %(use)s")) % words


def _calibration(settings: Settings, name: str) -> str:
    bundle = bundles.read_bundle(name, settings.models_dir)
    calibration = read_calibration(bundle.folder / "calibration.json", contract=bundles.contract_id(bundle))
    return _(N_("fitted for these weights, id %(id)s")) % {"id": calibration.id}


def _database(node: Node) -> str:
    migrations.check(node.db)
    with node.db.write() as session:
        session.execute(sa.text("SELECT 1"))
    facts = {"kind": node.db.url.get_backend_name(), "revision": migrations.current(node.db)}
    return _(N_("%(kind)s, writable, at migration %(revision)s")) % facts


def _index(node: Node, name: str) -> str:
    migrations.check(node.db)
    memory = open_matcher(node, eye=open_eye(node, (name,))).leading
    report = replica.verify(node, memory.live)
    with node.db.read() as session:
        others = census.without(session, memory.contract)
    if not report.ok:
        raise Unwell(_(N_("differs from the rows: run `lighthouse index rebuild`")))
    facts = {"count": report.templates, "revision": memory.live.stamp.revision, "others": others, "name": name}
    if others:
        return _(OTHERS) % facts
    return _(N_("%(count)s templates at revision %(revision)s, true to the rows")) % facts


def _clock(node: Node) -> str:
    migrations.check(node.db)
    now = node.clock()
    with node.db.read() as session:
        last = session.scalar(sa.select(AuditEntry.at).order_by(AuditEntry.seq.desc()).limit(1))
    if now < RELEASED or (last is not None and last > now):
        raise Unwell(_(N_("runs behind what was already recorded: set the machine's time (NTP) before anybody works")))
    return now.strftime("%Y-%m-%d %H:%M:%S UTC")
