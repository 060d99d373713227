"""Laws of the way of training examples through bytes: nothing is changed, and what is damaged is refused."""

import msgpack
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import examples
from states import same, state_of

from models.context import Context
from models.examples import Examples, no_examples
from models.metrics import K
from models.packing import ExamplesUnreadable, pack, unpack, unpack_many

CPU = torch.device("cpu")
FIELDS = ("form", "count", "columns", "names")


def names(count: int) -> list[str]:
    return [f"item-{number}" for number in range(count)]


@given(st.integers(0, 40), st.integers(0, 1_000))
def test_what_is_packed_is_unpacked_the_same(count: int, seed: int) -> None:
    given_examples = examples(count, seed, CPU)
    read, read_names = unpack(pack(given_examples, names(count)))
    assert same(state_of(read), state_of(given_examples))
    assert read_names == names(count)


def test_a_context_takes_as_many_bytes_as_it_has_items() -> None:
    lesson = examples(64, 1, CPU)
    empty = lesson._replace(context=Context(*(torch.zeros_like(column) for column in lesson.context)))
    used = int((lesson.context.items != 0).sum())
    more = len(pack(lesson, [""] * 64)) - len(pack(empty, [""] * 64))
    assert 17 * used <= more <= 17 * used + 20


@settings(max_examples=120)
@given(st.binary() | st.lists(st.integers() | st.text() | st.binary()).map(str).map(str.encode))
def test_bytes_that_are_no_examples_are_refused(raw: bytes) -> None:
    with pytest.raises(ExamplesUnreadable):
        unpack(raw)


@given(st.data())
def test_a_packed_byte_changed_is_refused_or_read_whole(data: st.DataObject) -> None:
    packed = bytearray(pack(examples(3, 1, CPU), names(3)))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        read, read_names = unpack(bytes(packed))
    except ExamplesUnreadable:
        return
    assert {len(column) for column in (*read.context, *read[1:])} == {3}
    assert len(read_names) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"form": 1},
        {"form": None},
        {"names": ["hat", "shoes", 7]},
        {"count": 3},
        {"count": 2**63},
        {"count": "2"},
        {"names": ["hat"]},
        {"names": None},
        {"names": {"hat": 1, "shoes": 2}},
        {"names": "ab"},
        {"count": True, "names": ["hat"]},
        {"columns": []},
        {"columns": None},
        {"count": 0, "columns": {b"": 0}, "names": []},
        {"columns": [b"\0" * 7] * 9},
        {"columns": [b"\0" * 8] * 9},
        {"columns": ["text"] * 9},
        {"columns": ["\0" * 2 * size for size in (1, 0, 0, 0, 8, 1, 8, 1, 8)]},
        {"columns": [b"\x33\0", *(bytes(51 * size) for size in (8, 1, 8)), *map(bytes, (16, 2, 16, 2, 16))]},
        {"count": 2.0},
    ],
    ids=str,
)
def test_another_form_or_damage_is_refused(changes: dict[str, object]) -> None:
    fields = msgpack.unpackb(pack(examples(2, 1, CPU), names(2)))
    with pytest.raises(ExamplesUnreadable):
        unpack(msgpack.packb(fields | changes))


@pytest.mark.parametrize(
    ("column", "value"), [("rank", -2), ("rank", K + 1), ("action", 0), ("action", 10), ("action", 255)]
)
def test_a_rank_or_an_action_that_is_none_is_refused(column: str, value: int) -> None:
    lesson = examples(3, 1, CPU)
    getattr(lesson, column)[1] = value
    with pytest.raises(ExamplesUnreadable):
        unpack(pack(lesson, names(3)))


def test_an_action_of_the_context_that_is_none_is_refused() -> None:
    lesson = examples(3, 1, CPU)
    lesson.context.actions[2, 4] = 10
    with pytest.raises(ExamplesUnreadable):
        unpack(pack(lesson, names(3)))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_runs_unpacked_as_one_are_the_runs_joined(counts: list[int]) -> None:
    runs = [examples(count, seed, CPU) for seed, count in enumerate(counts)]
    packed = [pack(run, names(len(run.item))) for run in runs]
    joined, sizes, found = unpack_many(packed)
    assert same(state_of(joined), state_of(Examples.join(runs)))
    assert sizes == counts
    assert found == [name for count in counts for name in names(count)]
    with pytest.raises(ExamplesUnreadable):
        unpack_many([*packed, b"\xc1"])


@pytest.mark.parametrize("missing", FIELDS)
def test_a_missing_field_is_refused(missing: str) -> None:
    fields = msgpack.unpackb(pack(examples(2, 1, CPU), names(2)))
    del fields[missing]
    with pytest.raises(ExamplesUnreadable):
        unpack(msgpack.packb(fields))


def test_no_examples_are_packed_as_well() -> None:
    assert same(state_of(unpack(pack(no_examples(), []))[0]), state_of(no_examples()))
