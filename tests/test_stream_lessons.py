"""Laws of lessons: each event teaches once, whatever comes again, and one may stop after any of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgpack
import numpy as np
import pytest
import torch
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from lessons import examples

import stream.lessons
import stream.progress
from models.names import Names
from models.packing import pack
from stream.chunks import Chunk
from stream.erasure_records import erasure_record
from stream.lessons import Learnt, Lesson, lessons
from stream.origins import HEADER, Origins
from stream.outbox import OutboxRecord
from stream.progress import Mark, Progress

CPU = torch.device("cpu")
TOPIC = TP("examples", 0)


class Record(NamedTuple):
    offset: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int = 0
    key: bytes | None = None


# How an observer handed on: from which source offset on, and events of each batch.
Run = tuple[int, list[int]]
runs = st.lists(
    st.tuples(st.integers(0, 12), st.lists(st.integers(1, 4), max_size=5)), min_size=1, max_size=4
)


@pytest.fixture(scope="module", autouse=True)
def small_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream.lessons, "_STEP", 5)
        yield


def item(source: int) -> int:
    """Return the item of the event at a source offset: so that it is seen which one taught."""
    return 1_000 + source


def log_of(handed_on: list[Run], holes: int = 0) -> list[Record]:
    """Return the records of observers that each began at some offset, none beyond what was handed on yet."""
    records: list[Record] = []
    reached = 0
    for first, sizes in handed_on:
        source = min(first, reached)
        for size in sizes:
            offsets = np.arange(source, source + size)
            source += size
            reached = max(reached, source)
            origins = Origins(2, ["clicks"], np.zeros(size, np.uint8), offsets)
            part = examples(size, source, CPU)._replace(item=torch.from_numpy(offsets + item(0)))
            value = pack(part, [f"item-{offset}" for offset in offsets.tolist()])
            records.append(Record(len(records) * (1 + holes), value, ((HEADER, origins.to_bytes()),)))
    return records


def erasure(who: int) -> Record:
    written = erasure_record("examples", who)
    return Record(0, written.value, written.headers)


def chunks(records: list[Record], size: int) -> list[Chunk]:
    parts: list[Any] = [records[start : start + size] for start in range(0, len(records), size)]
    return [Chunk(TOPIC, part, 1) for part in parts]


def taught(read: list[Lesson]) -> list[int]:
    return [one for lesson in read for one in lesson.examples.item.tolist()]


@given(runs, st.integers(1, 4))
def test_each_event_teaches_once_and_in_order(handed_on: list[Run], size: int) -> None:
    records = log_of(handed_on)
    read = list(lessons(chunks(records, size), Names(), Progress(0, {})))
    reached = 0
    for first, sizes in handed_on:
        reached = max(reached, min(first, reached) + sum(sizes))
    assert taught(read) == [item(source) for source in range(reached)]
    assert [len(chunk) for lesson in read for chunk, _ in lesson.finished] == [
        len(chunk) for chunk in chunks(records, size)
    ]


@given(runs, st.integers(1, 3), st.integers(0, 3), st.data())
def test_who_goes_on_after_a_lesson_learns_the_rest(
    handed_on: list[Run], size: int, holes: int, data: st.DataObject
) -> None:
    records = log_of(handed_on, holes)
    all_of_it = taught(list(lessons(chunks(records, len(records) or 1), Names(), Progress(0, {}))))
    place, learnt = Progress(0, {}), []
    for lesson in lessons(chunks(records, size), Names(), place):
        learnt += lesson.examples.item.tolist()
        place.learnt(lesson)
        if data.draw(st.booleans()):
            break
    # What is read again from below the position, as after a seek, changes nothing.
    later = Progress(0, place.to_dict())
    rest = taught(list(lessons(chunks(records, len(records) or 1), Names(), later)))
    assert learnt + rest == all_of_it


def test_a_lesson_ends_where_what_was_not_tested_yet_begins() -> None:
    records = chunks(log_of([(0, [1, 1, 1, 1])]), 4)
    progress = Progress(0, {})
    assert [lesson.start for lesson in lessons(records, Names(), progress)] == [0]
    progress.tested_to = 3
    assert [lesson.start for lesson in lessons(records, Names(), progress)] == [0, 3]


def test_all_that_operators_have_asked_for_in_a_lesson_is_known() -> None:
    reasons = b"a new season", b"new prices"
    records: list[Any] = [Record(at, b"", (("retrain", reason),)) for at, reason in enumerate(reasons)]
    (lesson,) = lessons([Chunk(TOPIC, records, 1)], Names(), Progress(0, {}))
    assert lesson.asked == "a new season; new prices"


def test_a_record_that_cannot_be_read_is_a_dead_letter_and_the_rest_teaches() -> None:
    good, other = log_of([(0, [2, 3])])
    bad = Record(7, b"\xc1", ())
    read = list(lessons([Chunk(TOPIC, [good, bad, other._replace(offset=8)], 1)], Names(), Progress(0, {})))
    assert taught(read) == [item(source) for source in range(5)]
    ((_, dead_letters),) = read[-1].finished
    assert list(dead_letters) == [7]
    assert read[-1].next_offset == 9


def test_what_could_not_be_learnt_is_a_dead_letter_of_the_chunk_of_each_record() -> None:
    """The second lesson of five is the last of its chunk, the third is the first of the next."""
    records = log_of([(0, [3, 3, 3, 3, 3])])
    chunks = [Chunk(TOPIC, records[:2], 1), Chunk(TOPIC, records[2:], 1)]  # type: ignore[arg-type]
    read = list(lessons(chunks, Names(), Progress(100, {})))
    taught = [lesson.start for lesson in read]
    assert taught == [0, 1, 2, 3, 4]
    read[1].refuse(Learnt(0.5))
    assert not any(letters for lesson in read for _, letters in lesson.finished)
    for lesson in read[1:3]:
        lesson.refuse(Learnt(0.5, refused=7))
    first, second = (letters for lesson in read for _, letters in lesson.finished)
    assert (list(first), list(second)) == ([1], [2])
    letter = OutboxRecord.from_bytes(first[1])
    assert (letter.topic, letter.value) == ("examples.dlq", records[1].value)
    assert b"gradients of 7 rows are not finite" in dict(letter.headers)["dlq.error"]


@given(runs, st.data(), st.integers(1, 4))
def test_an_erasure_among_the_examples_changes_nothing_of_what_is_learnt(
    handed_on: list[Run], data: st.DataObject, size: int
) -> None:
    records, log = log_of(handed_on), list[Record]()
    for record in records:
        log += [erasure(who) for who in data.draw(st.lists(st.integers(1, 9), max_size=2))]
        log.append(record)
    log = [record._replace(offset=place) for place, record in enumerate(log)]
    read = list(lessons(chunks(log, size), Names(), Progress(0, {})))
    assert taught(read) == taught(list(lessons(chunks(records, size), Names(), Progress(0, {}))))
    assert (read[-1].next_offset if log else 0) == len(log)


def test_a_pseudonym_that_cannot_be_read_is_a_dead_letter() -> None:
    bad = erasure(7)._replace(headers=(("forget", b"seven"),))
    (lesson,) = lessons([Chunk(TOPIC, [bad], 1)], Names(), Progress(0, {}))
    assert list(lesson.finished[0][1]) == [0]


@pytest.mark.parametrize(
    "origins",
    [
        [2, ["clicks", "purchases"], b"\0\0\0", bytes(24)],  # a topic of no example
        [2, ["clicks"], b"\0\1\0", bytes(24)],  # an example of no topic
        [2, ["clicks"], b"\0\0", bytes(16)],
        [2, 7, b"\0\0\0", bytes(24)],
        "origins",
    ],
)
def test_origins_that_cannot_be_read_are_a_dead_letter(origins: object) -> None:
    value = pack(examples(3, 0, CPU), ["a", "b", "c"])
    bad = Record(0, value, ((HEADER, msgpack.packb(origins)),))
    (lesson,) = lessons([Chunk(TOPIC, [bad], 1)], Names(), Progress(0, {}))
    assert len(lesson.examples.item) == 0
    assert list(lesson.finished[0][1]) == [0]


def lesson_of(size: int, position: int = 1) -> Lesson:
    return Lesson(examples(size, 0, CPU), size, 0, position, {"clicks-0": 3}, [], 0)


def test_the_size_of_each_step_is_recorded_and_what_teaches_nothing_is_none() -> None:
    progress = Progress(0, {})
    for size in (3, 0, 2):
        progress.learnt(lesson_of(size))
    assert progress.take_steps() == [3, 2]
    progress.learnt(lesson_of(0))
    assert not progress.has_steps


def progress_at(position: int) -> Progress:
    progress = Progress(0, {})
    progress.take_over("log", 0)
    progress.learnt(lesson_of(3, position))
    return Progress(0, progress.to_dict())


@pytest.mark.parametrize(
    ("log", "end", "position"), [("log", 41, 41), ("log", 99, 41), ("log", 40, 0), ("other", 99, 0)]
)
def test_examples_that_are_not_the_ones_that_were_read_are_read_from_their_start(
    log: str, end: int, position: int
) -> None:
    progress = progress_at(41)
    progress.take_over(log, end)
    assert (progress.position, progress.epoch, progress.log) == (position, 2, log)
    assert progress.learnt_to == {"clicks-0": 3}  # what is known is known


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.integers(1, 300))
def test_marks_reach_back_as_far_as_the_window_and_stay_few(counts: list[int], window: int) -> None:
    progress, taught = Progress(window, {}), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream.progress, "_MARK_EVERY", 20)
        for number, count in enumerate(counts):
            lesson = lesson_of(count, number + 1)
            taught += int(lesson.examples.teaches.sum())
            progress.learnt(lesson)
            assert progress.taught == taught
            assert progress.marks[0].taught <= max(taught - window, 0)
            assert Progress(window, progress.to_dict()).marks == progress.marks
            assert len(progress.marks) <= window // 20 + 3


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80), st.integers(1, 100), st.integers(1, 900))
def test_marks_of_the_history_are_further_apart(counts: list[int], window: int, history: int) -> None:
    progress, marks = Progress(window, {}, history), [Mark(0, 0, {})]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream.progress, "_MARK_EVERY", 20)
        patch.setattr(stream.progress, "_FAR_MARK_EVERY", 100)
        for number, count in enumerate(counts):
            progress.learnt(lesson_of(count, number + 1))
            marks.append(Mark(progress.position, progress.taught, progress.learnt_to))
            for asked in (1, window, history):
                found = progress.mark_before(min(asked, max(window, history)))
                assert found in marks
                assert found.taught <= max(progress.taught - asked, 0)
                step = 60 if asked <= window else 220  # how far apart marks are, with what a lesson has more
                assert found.taught >= progress.taught - asked - step
        assert len(progress.marks) <= window // 20 + history // 50 + 5


def test_who_goes_back_tests_nothing_twice() -> None:
    progress = Progress(100, {}, 100)
    for number in range(4):
        progress.learnt(lesson_of(30, number + 1))
    at, place = progress.position, Mark(2, 40, {"clicks-0": 2})
    progress.go_back_to(place)
    assert (progress.position, progress.taught, progress.learnt_to) == place
    assert progress.tested_to == at
    assert all(mark.position <= 2 for mark in progress.marks)
    assert Progress(100, progress.to_dict(), 100).to_dict() == progress.to_dict()
