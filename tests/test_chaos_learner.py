"""Laws of learning anew what a storm's learner has learnt: each event once, and the same to the bit."""

import msgpack
import numpy as np
import torch
from lessons import examples

from models.examples import Examples
from models.packing import pack
from models.recommender import Recommender
from models.record_block import records_of
from models.row_records import row_records
from models.stock import Stock
from stream.chaos.learner import Taught, check_lessons, relearn, steps_of, unequal_rows
from stream.chaos.records import Record
from stream.erasure_records import erasure_record
from stream.origins import HEADER, Origins

CPU = torch.device("cpu")
LESSON = examples(12, 1, CPU)


def record(start: int, stop: int) -> Record:
    """Return the record of the lesson's examples in this range, whose offsets are their places."""
    chosen = np.zeros(12, np.bool_)
    chosen[start:stop] = True
    part = LESSON.take(chosen)
    offsets = np.arange(start, stop)
    origins = Origins(3, ["clicks"], np.zeros(len(offsets), np.uint8), offsets)
    value = pack(part, [str(key) for key in part.item.tolist()])
    return Record("examples", 0, 0, 0, None, value, ((HEADER, origins.to_bytes()),))


def erasure(who: int) -> Record:
    written = erasure_record("examples", who)
    return Record("examples", 0, 0, 0, None, written.value, written.headers)


def journal(version: int, *steps: int) -> Record:
    return Record("steps", 0, 0, 0, None, msgpack.packb({"version": version, "steps": steps}), ())


def learnt(*runs: Examples) -> dict[bytes, bytes | None]:
    """Return the rows of a model that has learnt the runs."""
    recommender = Recommender(Stock(1_000, CPU), 0)
    for run in runs:
        recommender.test_many(run)
        recommender.learn_many(run)
    part = recommender.take_changes()
    names = [str(key) for key in part.rows.key.tolist()]
    return records_of(row_records(part.rows, names, part.removed))


def test_examples_that_were_handed_on_again_in_other_batches_are_taught_once() -> None:
    taught = Taught.of([record(0, 5), record(2, 8), record(0, 3), record(8, 12)])
    assert taught.answer_ids == [f"clicks-3-{offset}" for offset in range(12)]
    assert torch.equal(taught.examples.item, LESSON.item)


def test_the_journals_steps_lead_to_the_same_rows_bit_for_bit() -> None:
    steps = steps_of([journal(2, 5, 2), journal(2, 5, 2), journal(2), journal(3, 5)])
    must = relearn(Taught.of([record(0, 12)]), steps, Recommender(Stock(1_000, CPU), 0))
    assert must == learnt(*LESSON.steps([5, 2, 5]))


def test_by_other_steps_it_is_another_model() -> None:
    taught, found = Taught.of([record(0, 12)]), learnt(LESSON)
    once, twice = (relearn(taught, steps, Recommender(Stock(1_000, CPU), 0)) for steps in ([12], [6, 6]))
    rows = {key: value for key, value in found.items() if value is not None}
    assert unequal_rows(once, rows) == 0
    assert unequal_rows(twice, rows) > 0


def test_an_erasure_among_the_examples_teaches_nothing() -> None:
    taught = Taught.of([record(0, 7), erasure(5), erasure(2), record(7, 12), erasure(1)])
    assert taught.answer_ids == [f"clicks-3-{offset}" for offset in range(12)]
    assert torch.equal(taught.examples.item, LESSON.item)


def test_a_row_that_is_missing_or_one_too_many_is_unequal() -> None:
    rows = {key: value for key, value in learnt(LESSON).items() if value is not None}
    fewer = dict(list(rows.items())[1:])
    assert unequal_rows(rows, fewer) == unequal_rows(fewer, rows) == 1


def test_an_event_in_no_example_is_missing_and_an_example_of_no_event_is_unexpected() -> None:
    lessons = check_lessons(["clicks-3-0", "clicks-3-1", "clicks-3-7"], Taught.of([record(0, 3)]))
    assert lessons.missing == {"clicks-3-7"}
    assert lessons.unexpected == {"clicks-3-2"}
