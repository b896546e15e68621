"""Everything that needs a card, in one call under nine minutes: networks, equality with the processor, pictures a
second beside insightface on the same card, and exact search up to a hundred million templates.

Each part runs in a process of its own with a time limit: a part that fails or hangs costs only itself, and what it had
measured is kept. Parts can be left out. `--rehearse` runs all of them at toy size on the processor, so that the call is
known to work before a card is paid for; its figures mean nothing and are kept nowhere.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from rich.progress import Progress

from benchmarks.frame import CannotMeasure, Options, Row, run_benchmark
from facematch import devices

PARTS = {"networks": 150, "equality": 70, "pictures": 160, "index": 140}  # seconds


def main() -> int:
    return run_benchmark("gpu", measure, about=__doc__ or "", arguments=_arguments)


def measure(options: Options, progress: Progress) -> list[Row]:
    """All rows of all parts that were asked for, and one row a part that says whether it came to its end."""
    if not options.rehearse and not (report := devices.describe_device(options.device)).usable:
        raise CannotMeasure(
            f"{options.device} cannot be used ({report.trouble} {report.detail}): see lighthouse doctor."
        )
    options.quick = options.quick or options.rehearse  # what is rehearsed is not kept
    rows: list[Row] = []
    for part in progress.track(options.only or list(PARTS), description="parts"):
        rows += _rows_of(part, options, progress)
    return rows


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="cuda:0", help="cuda:N or tensorrt:N (default: cuda:0)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rehearse", action="store_true", help="toy sizes on the processor")


def _rows_of(part: str, options: Options, progress: Progress) -> Iterator[Row]:
    command = [sys.executable, "-m", f"benchmarks.gpu_{part}", "--device", options.device]
    command += ["--rehearse"] if options.rehearse else []
    task = progress.add_task(part, total=None)
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        alarm = threading.Timer(PARTS[part], child.kill)
        alarm.start()
        for line in child.stdout or ():
            if line.startswith("{"):  # insightface prints too
                row = Row(**json.loads(line))
                progress.update(task, advance=1, description=f"{part}: {row.measure}")
                yield row
        alarm.cancel()
    ended = "complete" if child.returncode == 0 else f"broken off ({child.returncode})"
    yield Row(measure=f"{part}: {ended}", value=time.monotonic() - begun, unit="s", better="lower")


if __name__ == "__main__":
    sys.exit(main())
