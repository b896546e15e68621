"""The laws of the house, held by machine: import contracts, lengths, doors, names, papers."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("facematch", "index", "api", "benchmarks")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
WRITTEN = [
    path for path in SOURCES if "versions" not in path.parts
]  # migrations are lists of columns, as long as the tables are wide
LONGEST_FUNCTION = 60
LONGEST_FILE = 250


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.name}"
        for path in WRITTEN
        for function in _functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_no_file_is_longer_than_two_hundred_and_fifty_lines() -> None:
    long = [str(path.relative_to(ROOT)) for path in WRITTEN if len(path.read_text().splitlines()) > LONGEST_FILE]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path.relative_to(ROOT)) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_nothing_unpickles() -> None:
    guilty = [
        str(path) for path in SOURCES if re.search(r"\bimport pickle|\bpickle\.|allow_pickle=True", path.read_text())
    ]
    assert guilty == []


def test_only_the_three_edges_catch_everything() -> None:
    edges = {"api/worker.py"}
    guilty = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"except (Base)?Exception\b|except:", path.read_text())
    }
    assert guilty <= edges


def test_nobody_else_owns_our_package_names() -> None:
    owners = metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["lighthouse-facematch"])) == {"lighthouse-facematch"}


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_readme_names_every_setting(readme: str) -> None:
    from api.kit.settings import Settings

    text = (ROOT / readme).read_text()
    missing = [name for name in Settings.model_fields if f"LIGHTHOUSE_{name.upper()}" not in text]
    assert missing == []


def test_locks_carry_hashes_and_no_index() -> None:
    for lock in ("run.txt", "dev.txt"):
        text = (ROOT / "requirements" / lock).read_text()
        assert "--hash=sha256:" in text
        assert "--index-url" not in text
        assert "http" not in re.sub(r"httpx2[\w-]*|httpcore2|httptools|python-http|# +via.*|#.*", "", text)
