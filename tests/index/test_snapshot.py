"""A snapshot is whole, true and of this contract, or it is refused."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index import snapshot
from index.errors import EngineUnavailable, OtherContract, SnapshotDamaged
from index.flat import FlatIndex
from index.labels import WIDTHS, Labels
from index.live import LiveIndex
from index.store import BLOCK, Block, Rows, View
from index.types import Change, Lot
from tests.index.conftest import KEY, Filled
from tests.index.exact_twin import entries_of, held_by, units


def test_a_loaded_index_is_the_saved_one_and_can_go_on(saved: Path, filled: Filled, rng: np.random.Generator) -> None:
    index, _ = filled(entries_of(units(rng, 60, 16), persons=np.arange(60) // 2))
    snapshot.save(index, saved, KEY)
    loaded = snapshot.load(saved, KEY, contract="contract-a")
    assert (held_by(loaded.entries()), loaded.stamp) == (held_by(index.entries()), index.stamp)
    loaded.apply([Change(61, 1, None)])
    assert loaded.stamp.count == 59


def test_an_empty_index_can_be_saved_and_loaded(tmp_path: Path) -> None:
    snapshot.save(FlatIndex("contract-a", 128), tmp_path / "index.snap", KEY)
    assert snapshot.load(tmp_path / "index.snap", KEY, contract="contract-a").stamp.count == 0


def columns(index: FlatIndex) -> list[bytes]:
    """All that an index holds, column by column."""
    rows = list(index.view.rows())
    held = zip(*([*some.labels.columns(), some.vectors] for some in rows), strict=True)
    return [np.concatenate(column).tobytes() for column in held]


def full_index(rng: np.random.Generator, count: int) -> FlatIndex:
    """More than one block of templates, without a million objects."""
    blocks = []
    for start in range(0, count, BLOCK):
        numbers, block = np.arange(start, min(count, start + BLOCK)), Block.empty(2)
        labels = Labels.empty(len(numbers))
        labels.write(np.arange(len(numbers)), Labels(*(numbers % 120 + start for _ in WIDTHS)))
        labels.template[:] = numbers
        block.write(np.arange(len(numbers)), Rows(labels, units(rng, len(numbers), 2)))
        blocks.append(block)
    index = FlatIndex("contract-a", 2)
    index.adopt(blocks, count, revision=count)
    return index


def test_every_section_of_a_long_snapshot_is_kept_and_guarded(tmp_path: Path, rng: np.random.Generator) -> None:
    index, path = full_index(rng, BLOCK + 3), tmp_path / "index.snap"
    snapshot.save(index, path, KEY)
    loaded = snapshot.load(path, KEY, contract="contract-a")
    assert isinstance(loaded, FlatIndex)
    assert (columns(loaded), loaded.stamp) == (columns(index), index.stamp)
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1  # in the last section
    path.write_bytes(content)
    with pytest.raises(SnapshotDamaged):
        snapshot.load(path, KEY, contract="contract-a")


def test_a_flipped_bit_anywhere_is_refused(saved: Path, rng: np.random.Generator) -> None:
    whole = saved.read_bytes()
    places = {*range(200), *range(4000, 4200), *range(len(whole) - 100, len(whole))}
    places |= set(rng.integers(0, len(whole), 300).tolist())
    for place in places:
        content = bytearray(whole)
        content[place] ^= 1 << (place % 8)
        saved.write_bytes(content)
        with pytest.raises(SnapshotDamaged):
            snapshot.load(saved, KEY, contract="contract-a")


@pytest.mark.parametrize("length", [0, 1, 100, 4095, 4096, 4097, -33, -32, -1])
def test_a_truncated_snapshot_is_refused(saved: Path, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(SnapshotDamaged):
        snapshot.load(saved, KEY, contract="contract-a")


@pytest.mark.parametrize("tail", [b"\0", b"x" * 4096])
def test_a_snapshot_with_something_behind_it_is_refused(saved: Path, tail: bytes) -> None:
    saved.write_bytes(saved.read_bytes() + tail)
    with pytest.raises(SnapshotDamaged):
        snapshot.load(saved, KEY, contract="contract-a")


def test_a_section_of_another_true_snapshot_is_refused(
    saved: Path, tmp_path: Path, filled: Filled, rng: np.random.Generator
) -> None:
    index, _ = filled(entries_of(units(rng, 60, 16)))
    index.apply([Change(61, 1, None), Change(62, 1, entries_of(units(rng, 1, 16))[0])])
    snapshot.save(index, tmp_path / "other.snap", KEY)
    saved.write_bytes(saved.read_bytes()[:4096] + (tmp_path / "other.snap").read_bytes()[4096:])
    with pytest.raises(SnapshotDamaged):
        snapshot.load(saved, KEY, contract="contract-a")


def test_another_key_is_refused(saved: Path) -> None:
    with pytest.raises(SnapshotDamaged):
        snapshot.load(saved, KEY + b"!", contract="contract-a")


def test_another_contract_is_refused(saved: Path) -> None:
    with pytest.raises(OtherContract) as refusal:
        snapshot.load(saved, KEY, contract="contract-b")
    assert refusal.value.facts == {"expected": "contract-b", "got": "contract-a"}


def test_an_unknown_engine_is_refused(saved: Path) -> None:
    with pytest.raises(EngineUnavailable):
        snapshot.load(saved, KEY, contract="contract-a", engine="guess")


def test_only_the_owner_may_read_a_snapshot(saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600


def test_a_half_written_file_left_by_a_kill_neither_counts_nor_stays(saved: Path) -> None:
    part = saved.with_name(".index.snap.part")
    part.write_bytes(saved.read_bytes()[:3000])
    index = snapshot.load(saved, KEY, contract="contract-a")
    assert index.stamp.count == 60
    snapshot.save(index, saved, KEY)
    assert os.listdir(saved.parent) == ["index.snap"]


class Changing(View):
    """A state of an index that somebody changes while it is read."""

    index: FlatIndex

    def rows(self) -> Iterator[Rows]:
        for rows in super().rows():
            self.index.apply([Change(61, 1, None)])
            yield rows


class ReadWhileChanged(FlatIndex):
    @property
    def view(self) -> View:
        state = Changing(super().view.stamp, super().view.parts)
        Changing.index = self
        return state


def test_an_index_changed_while_it_is_saved_is_kept_as_it_was(saved: Path) -> None:
    index = ReadWhileChanged("contract-a", 16)
    index.restore([Lot.of(snapshot.load(saved, KEY, contract="contract-a").entries())], 60)
    before = held_by(index.entries())
    snapshot.save(index, saved, KEY)
    loaded = snapshot.load(saved, KEY, contract="contract-a")
    assert (held_by(loaded.entries()), loaded.stamp.revision, index.stamp.revision) == (before, 60, 61)


def test_a_change_after_loading_never_reaches_the_file(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "index.snap"
    snapshot.save(full_index(rng, BLOCK), path, KEY)
    before, loaded = path.read_bytes(), snapshot.load(path, KEY, contract="contract-a")
    loaded.apply([Change(BLOCK + 1, 1, None), Change(BLOCK + 2, 2, entries_of(units(rng, 1, 2), first=2)[0])])
    loaded.apply([])
    assert path.read_bytes() == before
    assert loaded.stamp.count == BLOCK - 1


def test_an_index_that_lies_elsewhere_has_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable):
        snapshot.save(LiveIndex(FlatIndex("contract-a", 2)), tmp_path / "index.snap", KEY)


def test_no_snapshot_at_all_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        snapshot.load(tmp_path / "none", KEY, contract="contract-a")
