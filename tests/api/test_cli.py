"""The command as an operator uses it: what it says, what it refuses, and that it answers programs in JSON."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api import migrations
from api.accounts import service as accounts
from api.accounts.models import User
from api.cases.models import Case, Photo
from api.cli.main import app
from api.gallery import replica
from api.gallery.matcher import open_matcher
from api.kit.node import Node, open_node
from api.kit.settings import Settings
from tests.api.photographs import Photographs
from tests.api.world import build_world

Run = Callable[..., dict[str, object]]


@pytest.fixture
def home(tmp_path: Path, weights_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, named by the environment as an operator would."""
    for name, value in {"HOME": tmp_path / "home", "WEIGHTS_DIR": weights_dir, "PORT": 0}.items():
        monkeypatch.setenv(f"LIGHTHOUSE_{name}", str(value))
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    """Run a command with --json and read its answer."""

    def run(*words: str, exit_code: int = 0, input: str | None = None) -> dict[str, object]:  # noqa: A002
        result = CliRunner().invoke(app, [*words, "--json"], input=input, catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        answer: dict[str, object] = json.loads(result.stdout.strip().splitlines()[-1])
        return answer

    return run


@pytest.fixture
def ready(run: Run) -> Node:
    """A migrated node with the users of the small country."""
    run("db", "upgrade")
    node = open_node(Settings())
    build_world(node)
    return node


def _table(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "persons.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["file", "person", "sex", "found_on", "taken_on"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def _row(file: str, person: str = "") -> dict[str, str]:
    return {"file": file, "person": person, "sex": "2", "found_on": "2026-01-02", "taken_on": "2026-01-02"}


@pytest.fixture
def pictures(tmp_path: Path, photographs: Photographs) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("astronaut", "astronaut_later", "group", "nobody", "stranger"):
        (folder / f"{name}.jpg").write_bytes(getattr(photographs, name))
    (folder / "letter.jpg").write_bytes(b"this is no picture")
    return folder


def test_a_fresh_home_is_upgraded_and_the_doctor_is_content(run: Run) -> None:
    assert run("db", "upgrade") == {"before": "base", "after": migrations.newest()}
    answer = run("doctor")
    assert answer["ok"] is True
    subjects = [finding["subject"] for finding in answer["findings"]]  # type: ignore[attr-defined]
    assert subjects == ["device", "weights", "calibration", "key", "database", "index", "clock"]


def test_the_doctor_says_what_to_do(run: Run) -> None:
    answer = run("doctor", exit_code=1)
    database = next(finding for finding in answer["findings"] if finding["subject"] == "database")  # type: ignore[attr-defined]
    assert database["ok"] is False
    assert "lighthouse db upgrade" in database["words"]


def test_models_are_listed_with_licence_and_state(run: Run) -> None:
    bundles = {bundle["bundle"]: bundle for bundle in run("models", "list")["bundles"]}  # type: ignore[attr-defined]
    assert bundles["opencv-zoo"]["commercial_use"] is True
    assert bundles["opencv-zoo"]["state"] == "ok"
    assert bundles["buffalo_sc"]["commercial_use"] is False


def test_a_refusal_is_two_clear_lines_in_the_readers_language(home: Path) -> None:
    lighthouse = Path(sys.executable).parent / "lighthouse"
    environment = {**os.environ, "LC_ALL": "zh_CN.UTF-8"}
    done = subprocess.run(
        [lighthouse, "models", "fetch", "buffalo_l"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "licence-not-accepted" in done.stderr
    assert "--accept-licence" in done.stderr
    assert "该模型权重的许可限制其用途" in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_listens_beyond_loopback_without_an_administrator(run: Run) -> None:
    run("db", "upgrade")
    with pytest.raises(accounts.NoAdministrator):
        CliRunner().invoke(app, ["serve", "--host", "0.0.0.0"], catch_exceptions=False)  # noqa: S104


def test_users_are_added_given_tokens_and_shut_out(run: Run, ready: Node) -> None:
    words = ("users", "add", "new.registrar", "--organisation", "苏州市救助管理站", "--role", "registrar")
    where = ("--type", "shelter", "--level", "city", "--region", "320500", "--password", "a long enough passphrase")
    assert run(*words, *where)["roles"] == ["registrar"]
    token = str(run("users", "token", "new.registrar", "--label", "script")["token"])
    with ready.db.read() as session:
        assert accounts.actor_of_token(session, token, now=ready.clock()) is not None
    run("users", "disable", "new.registrar")
    with ready.db.read() as session:
        assert accounts.actor_of_token(session, token, now=ready.clock()) is None
        assert accounts.find_user(session, "new.registrar").disabled_at is not None


def test_faces_are_described_compared_and_found_in_files(run: Run, pictures: Path) -> None:
    assert len(run("faces", "detect", str(pictures / "group.jpg"))["faces"]) == 6  # type: ignore[arg-type]
    pair = (str(pictures / "astronaut.jpg"), str(pictures / "astronaut_later.jpg"))
    same = run("faces", "compare", *pair, "--age-gap", "1", "--youngest", "40")
    assert same["log10_lr"] > 1  # type: ignore[operator]
    assert run("faces", "compare", *pair, "--youngest", "40")["not_calibrated_because"] == "age-gap-unknown"
    hits = run("faces", "search", pair[1], str(pictures), "--top", "3")["hits"]
    assert {Path(hit["file"]).name for hit in hits[:2]} == {"astronaut.jpg", "astronaut_later.jpg"}  # type: ignore[index]


def test_import_registers_refuses_with_reasons_and_reports(
    run: Run, ready: Node, pictures: Path, tmp_path: Path
) -> None:
    rows = [_row("astronaut.jpg", "a"), _row("astronaut_later.jpg", "a"), _row("group.jpg"), _row("nobody.jpg")]
    rows += [_row("letter.jpg"), _row("missing.jpg"), _row("../outside.jpg")]
    table = _table(tmp_path, rows)
    answer = run("import", str(pictures), "--csv", str(table), "--as", "registrar")
    assert (answer["registered"], answer["waiting"], answer["refused"]) == (2, 2, 3)
    with Path(str(answer["report"])).open(encoding="utf-8-sig") as stream:
        codes = {row["file"]: row["code"] for row in csv.DictReader(stream)}
    assert codes["letter.jpg"] == "not-a-picture"
    assert codes["missing.jpg"] == codes["../outside.jpg"] == "not-found"
    assert (codes["group.jpg"], codes["nobody.jpg"]) == ("face-choice-needed", "no-face")
    with ready.db.read() as session:
        assert (session.query(Case).count(), session.query(Photo).count()) == (3, 4)


def test_an_import_goes_on_where_it_stopped_and_registers_nobody_twice(
    run: Run, ready: Node, pictures: Path, tmp_path: Path
) -> None:
    table = _table(tmp_path, [_row("astronaut.jpg"), _row("stranger.jpg")])
    words = ("import", str(pictures), "--csv", str(table), "--as", "registrar")
    run(*words)
    from api.kit.problems import ImportBegun

    with pytest.raises(ImportBegun):
        CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert run(*words, "--resume")["registered"] == 2
    with ready.db.read() as session:
        assert session.query(Case).count() == 2


def test_the_index_is_rebuilt_verified_and_counted(run: Run, ready: Node, pictures: Path, tmp_path: Path) -> None:
    table = _table(tmp_path, [_row("astronaut.jpg")])
    run("import", str(pictures), "--csv", str(table), "--as", "registrar")
    assert run("index", "rebuild")["contracts"][0]["templates"] == 1  # type: ignore[index]
    assert run("index", "verify")["ok"] is True
    (row,) = run("index", "stats")["contracts"]  # type: ignore[misc]
    assert (row["bundle"], row["persons"], row["revision"]) == ("opencv-zoo", 1, 1)


@pytest.mark.usefixtures("in_this_process")
def test_an_altered_snapshot_is_refused_and_the_index_drawn_anew(
    run: Run, ready: Node, pictures: Path, tmp_path: Path
) -> None:
    table = _table(tmp_path, [_row("astronaut.jpg")])
    run("import", str(pictures), "--csv", str(table), "--as", "registrar")
    assert run("index", "rebuild")["contracts"][0]["templates"] == 1  # type: ignore[index]
    snapshot = next((Settings().home / "index").glob("*.snapshot"))
    damaged = bytearray(snapshot.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    snapshot.write_bytes(damaged)
    assert run("index", "verify")["ok"] is True


def test_the_demonstration_brings_somebody_home(home: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--no-serve", "--port", "0", "--home", str(tmp_path / "demo")])
    assert result.exit_code == 0, result.output
    assert "the case of the found person is now: home" in result.output
    node = open_node(Settings(home=tmp_path / "demo"))
    with node.db.read() as session:
        assert {case.state for case in session.query(Case)} >= {"closed", "resolved"}
        assert session.query(User).count() == 11
    matcher = open_matcher(node)
    assert replica.verify(node, matcher.leading.live).ok
    node.close()
