"""The frame of every benchmark: options, progress, what is printed and what is kept. It never measures anything.

`python -m benchmarks.<name>` shows progress on stderr and ends with a table, or with `--json` with one line of JSON.
A full run is kept under benchmarks/results/ as dated JSON and as <name>.md; a `--quick` run is kept nowhere.
"""

import argparse
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from platform import processor, python_version
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("measure", "value", "unit", "peer", "peer_value", "ratio", "limit_ratio", "target", "ok")
CANNOT_MEASURE = 2

Options = argparse.Namespace
Measure = Callable[[Options, Progress], "list[Row]"]


class CannotMeasure(Exception):
    """Something that the benchmark needs is not there; the message says what, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured figure beside a peer's, the physical limit and the target; `better` says which way is good."""

    measure: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    limit: float | None = None
    target: float | None = None
    better: Literal["higher", "lower"] = "higher"

    @property
    def ok(self) -> bool | None:
        """Whether the target is reached, or None without a target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    def record(self) -> dict[str, object]:
        """The row by COLUMNS; `ratio` and `limit_ratio` are our value over the peer's and over the limit."""
        sign = "≥" if self.better == "higher" else "≤"
        return {
            "measure": self.measure,
            "value": self.value,
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": self.peer_value,
            "ratio": self.value / self.peer_value if self.peer_value else None,
            "limit_ratio": self.value / self.limit if self.limit else None,
            "target": None if self.target is None else f"{sign} {self.target:g}",
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a figure was measured; never the machine's name."""

    processor: str
    cores: int
    memory_gib: int
    python: str
    numpy: str
    onnxruntime: str
    faiss: str

    def sentence(self) -> str:
        """All of it in one line."""
        hardware = f"{self.processor}, {self.cores} cores, {self.memory_gib} GiB"
        engines = f"numpy {self.numpy}, onnxruntime {self.onnxruntime}, faiss {self.faiss}"
        return f"{hardware}; Python {self.python}, {engines}"


@dataclass(frozen=True, slots=True)
class Report:
    """What one run has measured, and where."""

    benchmark: str
    machine: Machine
    commit: str
    rows: list[Row]

    def record(self) -> dict[str, object]:
        """The report as JSON keeps it."""
        rows = [row.record() for row in self.rows]
        return {"benchmark": self.benchmark, "machine": asdict(self.machine), "commit": self.commit, "rows": rows}

    def cells(self) -> list[list[str]]:
        """The rows as text, by COLUMNS."""
        return [[_cell(row.record()[column]) for column in COLUMNS] for row in self.rows]


def describe_machine() -> Machine:
    """This machine and the versions that decide a benchmark's figures."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        python=python_version(),
        numpy=metadata.version("numpy"),
        onnxruntime=_first_version("onnxruntime-gpu", "onnxruntime"),
        faiss=_first_version("faiss-gpu", "faiss-gpu-cuvs", "faiss-cpu"),
    )


def describe_commit() -> str:
    """The commit of this checkout, with "-dirty" when files differ from it, or "unknown"."""
    command = ["git", "-C", str(RESULTS.parent.parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def faces_folder() -> Path:
    """The folder that LIGHTHOUSE_FACES names; CannotMeasure where there is none."""
    folder = Path(os.environ.get("LIGHTHOUSE_FACES") or "/nonexistent")
    if not folder.is_dir():
        raise CannotMeasure("This measures on real faces: set LIGHTHOUSE_FACES to the folder that holds them.")
    return folder


def run_benchmark(
    name: str,
    measure: Measure,
    *,
    about: str,
    arguments: Callable[[argparse.ArgumentParser], object] = lambda _: None,
    argv: Sequence[str] | None = None,
) -> int:
    """Run one benchmark from the command line and return its exit code (0, or 2 when it could not measure).

    `measure` gets the options (`quick`, `json`, `results` and what `arguments` adds) and a progress display for bars of
    its own. `about` is the benchmark's docstring: help text here, introduction in the kept table.
    """
    options = _options(name, about, arguments).parse_args(argv)
    screen = Console(stderr=True)
    try:
        with _progress(screen) as progress:
            rows = measure(options, progress)
    except CannotMeasure as trouble:
        screen.print(str(trouble), style="yellow", markup=False)
        return CANNOT_MEASURE
    report = Report(name, describe_machine(), describe_commit(), rows)
    if not options.quick:
        keep(report, options.results, about=about)
    if options.json:
        print(json.dumps(report.record(), ensure_ascii=False))
    else:
        show(report, Console() if Console().is_terminal else Console(width=160))
    return 0


def keep(report: Report, folder: Path, *, about: str) -> None:
    """Write <name>-YYYY-MM-DD.json and <name>.md into the folder; the page shows the plots that lie there already."""
    folder.mkdir(parents=True, exist_ok=True)
    name, today = report.benchmark, datetime.now(UTC).date().isoformat()
    dated = json.dumps({"date": today, **report.record()}, indent=2, ensure_ascii=False)
    (folder / f"{name}-{today}.json").write_text(dated + "\n", encoding="utf-8")
    head = f"# {name}\n\n{about.strip()}\n\nMeasured on {today}, commit {report.commit}: {report.machine.sentence()}."
    table = "\n".join(map(_line, [COLUMNS, ["---"] * len(COLUMNS), *report.cells()]))
    plots = [f"![{plot.stem}]({plot.name})" for plot in sorted(folder.glob(f"{name}-*.svg"))]
    (folder / f"{name}.md").write_text("\n\n".join([head, table, *plots]) + "\n", encoding="utf-8")


def show(report: Report, console: Console) -> None:
    """Print the rows as a table with machine and commit above."""
    console.print(report.machine.sentence(), markup=False)
    table = Table(title=f"{report.benchmark} ({report.commit})")
    for name in COLUMNS:
        table.add_column(name, no_wrap=name in ("measure", "value"))
    for cells in report.cells():
        table.add_row(*cells)
    console.print(table)


def _options(name: str, about: str, arguments: Callable[[argparse.ArgumentParser], object]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a smaller measurement, under 50 s on two cores")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON instead of a table")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where full runs are kept")
    arguments(parser)
    return parser


def _progress(screen: Console) -> Progress:
    text = TextColumn("{task.description}", markup=False)
    return Progress(text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), console=screen)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return str(value)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else processor() or "unknown processor"


def _first_version(*distributions: str) -> str:
    for name in distributions:
        try:
            return f"{metadata.version(name)} ({name})"
        except metadata.PackageNotFoundError:
            continue
    return "absent"
