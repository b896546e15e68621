"""How fast a folder of pictures becomes registered, enrolled and searchable persons, compared with the eye alone.

Peer: the same extractor over the same files in one process, nothing else. The ratio is the share of the extraction
speed that is left when every person is a case with rights, audit, sealed picture, sealed templates, index change and
standing search. Pictures: LFW where LIGHTHOUSE_FACES is set.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import Progress

from api.accounts.policy import Role
from api.cli import import_table, importing
from api.gallery import replica
from api.gallery.matcher import Matcher, open_matcher
from api.kit.node import Node
from api.worker import run_waiting
from benchmarks.frame import Options, Row, faces_folder, run_benchmark
from benchmarks.node import add_user, temporary_node

FULL, QUICK = 2000, 150


def main() -> int:
    return run_benchmark("import_speed", measure, about=__doc__ or "")


def measure(options: Options, progress: Progress) -> list[Row]:
    """Pictures a second of the whole import and of the eye alone, over the same files."""
    folder = faces_folder() / "lfw" / "images"
    files = sorted(folder.glob("*/*_0001.jpg"))[: QUICK if options.quick else FULL]
    with temporary_node(embedded_worker=False) as node:
        matcher = open_matcher(node)
        alone = _eye_alone(matcher, files, progress)
        whole, enrolled = _whole(node, matcher, folder, files, progress)
    rate, peer = len(files) / whole, len(files) / alone
    return [
        Row(
            measure=f"import of {len(files):,} pictures",
            value=rate,
            unit="pictures/s",
            peer="eye alone",
            peer_value=peer,
        ),
        Row(measure="share of the eye's speed", value=rate / peer, unit="ratio", target=0.75),
        Row(measure="pictures enrolled", value=enrolled / len(files), unit="share"),
    ]


def _eye_alone(matcher: Matcher, files: list[Path], progress: Progress) -> float:
    begun = time.perf_counter()
    for path in progress.track(files, description="eye alone"):
        matcher.extractor.faces_in(path.read_bytes())
    return time.perf_counter() - begun


def _whole(node: Node, matcher: Matcher, folder: Path, files: list[Path], progress: Progress) -> tuple[float, int]:
    actor, _ = add_user(node, "shelter", Role.REGISTRAR, kind="shelter", region="330100")
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "persons.csv"
        _write_table(table, [str(path.relative_to(folder)) for path in files])
        begun = time.perf_counter()
        persons = list(import_table.group(import_table.read_table(table)))
        task = progress.add_task("registering", total=len(persons))
        for lines in persons:
            importing.register_person(node, actor, folder, lines, batch="benchmark")
            progress.advance(task)
        task = progress.add_task("finding faces", total=None)
        run_waiting(node, matcher, done=lambda: progress.advance(task))
        replica.catch_up(node, matcher)
        return time.perf_counter() - begun, matcher.live.stamp.count


def _write_table(table: Path, names: list[str]) -> None:
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "sex", "age_low", "age_high", "found_on", "taken_on"])
        writer.writerows([name, 9, 20, 60, "2026-01-01", "2026-01-01"] for name in names)


if __name__ == "__main__":
    sys.exit(main())
