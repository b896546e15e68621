"""Nobody is told that, or where, faces are looked for: onnxruntime's reports to its maker are switched off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.facematch.bundles import tiny_network

RUN = """
import sys
from pathlib import Path
import {package}
from facematch.bundle import Pixels
from facematch.engine import open_session

pixels = Pixels(mean=0.0, scale=1.0, colour="bgr")
open_session(Path(sys.argv[1]), "cpu", threads=1, pixels=pixels, sizes=[])
"""


@pytest.mark.parametrize("package", ["facematch", "benchmarks.peers", "api.cli.main"])
def test_onnxruntime_keeps_no_number_of_this_machine_and_no_reports(tmp_path: Path, package: str) -> None:
    home, network = tmp_path / "home", tmp_path / "tiny.onnx"
    home.mkdir()
    network.write_bytes(tiny_network())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    subprocess.run(
        [sys.executable, "-c", RUN.format(package=package), network],
        env=environment | {"HOME": str(home)},
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert not [path for path in home.rglob("*") if "onnxruntime" in path.name or path.name == "deviceid"]
