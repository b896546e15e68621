"""The table of slots says what a dict would say."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from index import slots
from index.slots import NOWHERE, SlotTable, last_of_each

STEPS = st.lists(st.tuples(st.frozensets(st.integers(0, 30)), st.sets(st.integers(-5, 30))), max_size=12)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_the_table_says_what_a_dict_would_say(steps: list[tuple[frozenset[int], set[int]]]) -> None:
    table, twin, fresh = SlotTable(), dict[int, int](), 0
    for gone, put in steps:
        given_up = {twin[name] for name in gone | put if name in twin}
        new = np.arange(fresh, fresh := fresh + len(put))
        assert set(table.change([*gone], [*put], new).tolist()) == given_up
        twin = {name: slot for name, slot in twin.items() if name not in gone}
        twin.update(zip(put, new.tolist(), strict=True))
        assert table.find(range(-5, 31)).tolist() == [twin.get(name, NOWHERE) for name in range(-5, 31)]
        assert table.count == len(twin)


def test_late_changes_are_merged_and_nothing_is_lost() -> None:
    table, count = SlotTable(), 3 * slots.LATE
    table.change((), range(count), np.arange(count))
    table.change(range(0, count, 2), range(count, 2 * count), np.arange(count, 2 * count))
    table.change((), [1], np.array([5 * count]))
    found = table.find(range(2 * count))
    assert found[:4].tolist() == [NOWHERE, 5 * count, NOWHERE, 3]
    assert (found[count:] == np.arange(count, 2 * count)).all()
    assert table.count == 2 * count - count // 2


@given(st.lists(st.integers(-9, 9), max_size=40))
def test_the_last_of_each_name_is_what_a_dict_would_keep(names: list[int]) -> None:
    kept = last_of_each(np.array(names, np.int64))
    assert kept.tolist() == [place for _, place in sorted({name: place for place, name in enumerate(names)}.items())]


def test_a_table_that_begins_with_names_holds_them_and_changes_as_ever() -> None:
    table = SlotTable()
    table.begin(np.array([2, 5, 9]), np.array([7, 0, 3]))
    assert (table.find([2, 5, 9, 4]).tolist(), table.count) == ([7, 0, 3, NOWHERE], 3)
    assert table.change([5], [9], np.array([1])).tolist() == [0, 3]
    assert (table.find([2, 5, 9]).tolist(), table.count) == ([7, NOWHERE, 1], 2)
