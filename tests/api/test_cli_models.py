"""From one model to another by the command: killed, resumed, switched, retired; every step says what it did."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from api.cli.main import app
from api.gallery.matcher import open_matcher
from api.gallery.models import TemplateRow
from api.gallery.retire import RetirementNotConfirmed
from api.kit.node import Node, open_node
from api.kit.settings import Settings
from facematch.ensemble import Ensemble
from facematch.extractor import Extractor
from tests.api.papers import enrolled
from tests.api.photographs import Photographs
from tests.api.world import build_world

LIGHTHOUSE = Path(sys.executable).parent / "lighthouse"
PATIENCE_S = 60


@pytest.fixture
def environment(tmp_path: Path, weights_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder of its own, named as an operator would."""
    for name, value in {"HOME": tmp_path / "home", "WEIGHTS_DIR": weights_dir}.items():
        monkeypatch.setenv(f"LIGHTHOUSE_{name}", str(value))
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


def run(*words: str, exit_code: int = 0) -> dict[str, object]:
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    answer: dict[str, object] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


@pytest.fixture
def ready(environment: None, opencv_zoo: Extractor, buffalo_sc: Extractor, photographs: Photographs) -> Node:
    """A migrated node that knows twelve people under the default bundle."""
    run("db", "upgrade")
    node = open_node(Settings())
    world, matcher = build_world(node), open_matcher(node, eye=Ensemble([opencv_zoo]))
    for number in range(12):
        enrolled(node, matcher, world.registrar, photographs.stranger + bytes([number]))
    return node


def faces_under(node: Node, contract: str) -> list[str]:
    with node.db.read() as session:
        return list(session.scalars(sa.select(TemplateRow.face_id).where(TemplateRow.contract == contract)))


def test_a_killed_migration_is_finished_by_the_next(ready: Node, buffalo_sc: Extractor) -> None:
    words = [str(LIGHTHOUSE), "index", "migrate", "--to", "buffalo_sc"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while not faces_under(ready, buffalo_sc.contract) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    begun = len(faces_under(ready, buffalo_sc.contract))
    (report,) = run("index", "migrate", "--to", "buffalo_sc")["bundles"]  # type: ignore[misc]
    faces = faces_under(ready, buffalo_sc.contract)
    assert (begun > 0, begun + report["faces_matched"]) == (True, 12)
    assert len(set(faces)) == len(faces) == 12


def test_switching_back_and_retiring_by_the_command(
    ready: Node, opencv_zoo: Extractor, buffalo_sc: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("index", "migrate", "--to", "buffalo_sc")
    monkeypatch.setenv("LIGHTHOUSE_BUNDLES", "buffalo_sc, opencv-zoo")
    assert [row["ok"] for row in run("index", "verify")["contracts"]] == [True, True]  # type: ignore[attr-defined]
    monkeypatch.setenv("LIGHTHOUSE_BUNDLES", "buffalo_sc")
    with pytest.raises(RetirementNotConfirmed):
        CliRunner().invoke(app, ["index", "retire", opencv_zoo.contract], catch_exceptions=False)
    assert run("index", "retire", opencv_zoo.contract, "--yes")["removed"] == 12
    rows = run("index", "stats")["contracts"]
    assert [(row["bundle"], row["in_use"], row["persons"]) for row in rows] == [("buffalo_sc", True, 12)]  # type: ignore[attr-defined]
    assert run("index", "verify")["ok"] is True


def test_the_doctor_says_who_is_missing_under_a_new_model(ready: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTHOUSE_BUNDLES", "opencv-zoo,buffalo_sc")
    found = [one["words"] for one in run("doctor")["findings"] if one["subject"] == "index"]  # type: ignore[attr-defined]
    assert ("12 templates" in found[0], "12 persons" in found[1]) == (True, True)
    assert "lighthouse index migrate --to buffalo_sc" in found[1]
