"""Reads folders of pictures of people, and pairs of them. It never opens a picture.

A folder holds person/picture, or images/person/picture; a pairs.csv in it (path1, path2, same, fold) names the pairs of
a test protocol, and then only the pictures it names count. A person is known by the name of the folder.
"""

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.frame import CannotMeasure

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic"}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures, and beside each the person it shows."""

    paths: tuple[Path, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures by their place in Pictures, whether they show one person, and the fold of the protocol."""

    first: int
    second: int
    same: bool
    fold: int


def read_people(folder: Path) -> Pictures:
    """All pictures of a folder, person after person in an order that looks shuffled and is always the same.

    People with several pictures come first, so that a first part of the list holds pairs of both kinds. Raises
    CannotMeasure when there are no two people.
    """
    if (folder / "pairs.csv").is_file():
        paths = list(read_pairs(folder)[0].paths)
    else:
        paths = [path for path in _root(folder).glob("*/*") if path.suffix.lower() in SUFFIXES]
    pictures_of = Counter(path.parent.name for path in paths)
    paths.sort(key=lambda path: (pictures_of[path.parent.name] == 1, _shuffled(path.parent.name), path.name))
    if len({path.parent for path in paths}) < 2:
        raise CannotMeasure("No people were found: the folder must hold one folder of pictures for each person.")
    return Pictures(tuple(paths), tuple(path.parent.name for path in paths))


def read_pairs(folder: Path) -> tuple[Pictures, list[Pair]]:
    """The pairs of a pairs.csv and the pictures they name.

    Pairs come dealt round: the first of every fold and kind, then the second of each; pictures in the order in which
    the pairs need them. So a first part of both is a smaller test of the same make. CannotMeasure without pairs.
    """
    try:
        rows = list(csv.DictReader((folder / "pairs.csv").read_text(encoding="utf-8").splitlines()))
    except FileNotFoundError:
        raise CannotMeasure("There is no pairs.csv in the folder of pictures.") from None
    root, places = _root(folder), dict[str, int]()
    pairs = [
        Pair(_place(places, row["path1"]), _place(places, row["path2"]), row["same"] == "1", int(row["fold"]))
        for row in _dealt_round(rows)
    ]
    paths = tuple(root / name for name in places)
    return Pictures(paths, tuple(path.parent.name for path in paths)), pairs


def _shuffled(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _root(folder: Path) -> Path:
    return folder / "images" if (folder / "images").is_dir() else folder


def _place(places: dict[str, int], name: str) -> int:
    return places.setdefault(name, len(places))


def _dealt_round(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    seen: dict[tuple[str, str], int] = {}
    turns = []
    for row in rows:
        hand = (row["fold"], row["same"])
        turns.append(seen.get(hand, 0))
        seen[hand] = turns[-1] + 1
    return [row for _, row in sorted(zip(turns, rows, strict=True), key=lambda dealt: dealt[0])]
