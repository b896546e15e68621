"""Claims about the frame: what every benchmark prints, keeps and refuses."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.progress import Progress

from benchmarks.frame import COLUMNS, CannotMeasure, Options, Row, describe_machine, faces_folder, run_benchmark

FAST = Row(measure="answer", value=0.2, unit="s", peer="rival", peer_value=0.4, limit=0.1, target=0.3, better="lower")


def measure(options: Options, progress: Progress) -> list[Row]:
    for _ in progress.track(range(2), description="counting"):
        pass
    return [FAST, Row(measure="size", value=1 if options.quick else 2, unit="MB")]


def run(*arguments: str, results: Path) -> int:
    return run_benchmark("trial", measure, about="A trial.", argv=[*arguments, "--results", str(results)])


def test_last_line_is_one_object_of_the_agreed_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--quick", "--json", results=tmp_path) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(report) == ["benchmark", "machine", "commit", "rows"]
    assert [list(row) for row in report["rows"]] == [list(COLUMNS)] * 2


def test_progress_stays_off_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--quick", "--json", results=tmp_path)
    printed = capsys.readouterr()
    assert "counting" in printed.err
    assert len(printed.out.splitlines()) == 1


def test_without_json_a_table_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--quick", results=tmp_path)
    assert "answer" in capsys.readouterr().out


def test_quick_run_is_not_kept(tmp_path: Path) -> None:
    run("--quick", results=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_full_run_is_kept_dated_and_as_a_page_with_its_plots(tmp_path: Path) -> None:
    (tmp_path / "trial-curve.svg").write_text("<svg/>")
    run(results=tmp_path)
    today = datetime.now(UTC).date().isoformat()
    kept = json.loads((tmp_path / f"trial-{today}.json").read_text())
    page = (tmp_path / "trial.md").read_text()
    assert kept["rows"][1]["value"] == 2
    assert "| answer | 0.2 | s | rival | 0.4 | 0.5 | 2 | ≤ 0.3 | yes |" in page
    assert "(trial-curve.svg)" in page


def test_what_cannot_be_measured_ends_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def helpless(options: Options, progress: Progress) -> list[Row]:
        raise CannotMeasure("Bring faces.")

    code = run_benchmark("trial", helpless, about="", argv=["--json", "--results", str(tmp_path)])
    printed = capsys.readouterr()
    assert (code, printed.out, "Bring faces." in printed.err) == (2, "", True)


def test_without_faces_the_sentence_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIGHTHOUSE_FACES", raising=False)
    with pytest.raises(CannotMeasure, match="LIGHTHOUSE_FACES"):
        faces_folder()


@pytest.mark.parametrize(("value", "better", "ok"), [(3, "higher", False), (3, "lower", True), (5, "higher", True)])
def test_target_is_reached_from_the_right_side(value: float, better: str, ok: bool) -> None:
    assert Row(measure="m", value=value, unit="u", target=4, better=better).ok is ok  # type: ignore[arg-type]


def test_row_without_target_is_neither_good_nor_bad() -> None:
    assert Row(measure="m", value=1, unit="u").record()["ok"] is None


def test_machine_is_described_without_its_name() -> None:
    assert platform.node() not in describe_machine().sentence()


def test_arguments_of_a_benchmark_reach_it(tmp_path: Path) -> None:
    seen = []

    def listen(options: Options, progress: Progress) -> list[Row]:
        seen.append(options.depth)
        return []

    def arguments(parser: object) -> None:
        parser.add_argument("--depth", type=int)  # type: ignore[attr-defined]

    argv = ["--quick", "--depth", "3", "--results", str(tmp_path)]
    run_benchmark("trial", listen, about="", arguments=arguments, argv=argv)
    assert seen == [3]
