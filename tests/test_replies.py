"""Laws of what a batch is answered with."""

import msgspec
import numpy as np
import pytest
import torch
from arriving import NOW, record
from faust.types import TP

from models.answers import Ranked
from models.batch import Batch, Longs
from models.events import Action, Event, Recommendation
from models.examples import Examples, examples_of
from models.fingerprint import fingerprint
from models.fold import fold
from models.names import Names
from models.observation import Observations
from models.packing import unpack
from models.profile import SERVED_ITEMS, Profiles
from models.ranking import Ranking
from stream.answering import Answer, banned_items, served_before
from stream.arrivals import Arrivals, Released
from stream.chunks import Chunk
from stream.outbox import OutboxRecord
from stream.replies import Stamp, outbox_of

CLICKS = TP("clicks", 3)


def event(number: int, user: str, item: str, action: Action = Action.VIEW_ITEM) -> Event:
    return Event(event_id=f"e{number}", event=action, ts=NOW + number, user_id=user, item_id=item)


def folded(*stream: Event) -> tuple[Batch, Profiles, Observations]:
    batch, profiles = Batch.of(stream), Profiles(["ann", "bob"])
    return batch, profiles, fold(profiles, batch, 50)


def banned(batch: Batch, profiles: Profiles, seen: Observations, *, hide_bought: bool) -> Longs:
    lines = profiles.lines.entries[seen.user_row]
    return banned_items(batch.item[seen.kept], seen.after, lines, hide_bought=hide_bought)


def ranked(*lines: list[int]) -> Ranked:
    items = torch.tensor(lines, dtype=torch.int64)
    return Ranked.of(Ranking(items, items.float() / 2, torch.where(items > 50, 3, 0).to(torch.uint8)))


def names_of(*items: str) -> Names:
    names = Names()
    names.learn([fingerprint(item) for item in items], items)
    names.learn([60, 7, 8], ["sixty", "seven", "eight"])
    return names


def stamp() -> Stamp:
    return Stamp("shop-recommendations", "shop-examples", NOW, 12, names_of("hat", "scarf", "coat"), {})


def arrived(*stream: Event | None) -> Released:
    arrivals = Arrivals(100)
    arrivals.add(Chunk(CLICKS, [record(10 + n, one) for n, one in enumerate(stream)], epoch=1), NOW)
    released = arrivals.release(3, [])
    assert released is not None
    return released


def said(released: Released, *lines: list[int]) -> tuple[list[OutboxRecord], Examples]:
    batch, profiles, seen = folded(*released.events)
    rows = ranked(*lines)
    served, who = served_before(profiles, seen, rows), profiles.pseudonym[seen.user_row]
    examples = examples_of(batch, seen, served, who)
    records = outbox_of(released, Answer(seen, rows, examples), stamp())
    return [OutboxRecord.from_bytes(raw) for raw in records], examples


def test_the_recommendation_in_force_is_that_of_the_users_event_before() -> None:
    _, profiles, seen = folded(event(0, "ann", "hat"), event(1, "bob", "hat"), event(2, "ann", "coat"))
    profiles.serve(np.array([0, 1]), np.array([[1, 2, 3], [4, 5, 6]]))
    served = served_before(profiles, seen, ranked([7, 8], [60, 0], [9, 9]))
    assert served.shape == (3, SERVED_ITEMS)
    assert served[:, :4].tolist() == [[1, 2, 3, 0], [4, 5, 6, 0], [7, 8, 0, 0]]
    assert not served[:, 4:].any()


def test_a_longer_list_is_scored_by_its_first_20() -> None:
    _, profiles, seen = folded(event(0, "ann", "hat"), event(1, "ann", "coat"))
    served = served_before(profiles, seen, ranked(list(range(1, 41)), list(range(41, 81))))
    assert served[1].tolist() == list(range(1, 21))


def test_the_item_just_acted_on_is_banned_and_no_other() -> None:
    bought = event(0, "ann", "hat", Action.PURCHASE)
    batch, profiles, seen = folded(bought, event(1, "ann", "coat"), bought)
    assert banned(batch, profiles, seen, hide_bought=False).tolist() == [
        [fingerprint("hat")],
        [fingerprint("coat")],
    ]


def test_what_was_bought_and_not_returned_is_hidden_where_the_shop_wants_it() -> None:
    batch, profiles, seen = folded(
        event(0, "ann", "hat", Action.PURCHASE),
        event(1, "ann", "scarf", Action.PURCHASE),
        event(2, "ann", "scarf", Action.REFUND),
        event(3, "ann", "coat"),
        event(4, "bob", "coat"),
    )
    ann, bob = banned(batch, profiles, seen, hide_bought=True)[3:]
    assert set(ann.tolist()) - {0} == {fingerprint("coat"), fingerprint("hat")}
    assert set(bob.tolist()) - {0} == {fingerprint("coat")}


def test_what_is_bought_later_in_the_batch_is_not_hidden_yet() -> None:
    stream = [event(0, "ann", "coat"), event(1, "ann", "hat", Action.PURCHASE), event(2, "ann", "coat")]
    before, _, after = banned(*folded(*stream), hide_bought=True)
    assert set(before.tolist()) - {0} == {fingerprint("coat")}
    assert set(after.tolist()) - {0} == {fingerprint("coat"), fingerprint("hat")}


def test_what_is_bought_already_is_hidden_from_the_answer_to_a_late_event_as_well() -> None:
    stream = [event(1, "ann", "hat", Action.PURCHASE), event(0, "ann", "coat")]
    _, late = banned(*folded(*stream), hide_bought=True)
    assert set(late.tolist()) - {0} == {fingerprint("coat"), fingerprint("hat")}


def test_each_event_that_is_no_repeat_gets_one_answer_in_order_on_its_users_partition() -> None:
    first, removal = event(0, "ann", "hat"), event(1, "bob", "hat", Action.REMOVE_FROM_CART)
    records, _ = said(arrived(first, removal, first, event(2, "ann", "coat")), [7, 60], [8, 0], [0, 0])
    answers = [record for record in records if record.topic == "shop-recommendations"]
    assert [(record.partition, record.key) for record in answers] == [(3, b"ann"), (3, b"bob"), (3, b"ann")]
    read = [msgspec.msgpack.decode(record.value or b"", type=Recommendation) for record in answers]
    assert [one.recommendation_id for one in read] == ["clicks-3-10", "clicks-3-11", "clicks-3-13"]
    assert [one.event_id for one in read] == ["e0", "e1", "e2"]
    assert [one.event_ts for one in read] == [NOW, NOW + 1, NOW + 2]
    assert {(one.ts, one.model_version) for one in read} == {(NOW, 12)}
    listed = [[(item.item_id, item.score, item.source) for item in one.items] for one in read]
    assert listed == [
        [("seven", 3.5, "embedding"), ("sixty", 30.0, "popular")],
        [("eight", 4.0, "embedding")],
        [],
    ]


def test_what_a_batch_teaches_is_one_record_and_a_batch_that_teaches_nothing_sends_none() -> None:
    records, examples = said(arrived(event(0, "ann", "hat"), event(1, "ann", "coat")), [7], [7])
    (lesson,) = (record for record in records if record.topic == "shop-examples")
    read, names = unpack(lesson.value or b"")
    assert (lesson.partition, names) == (0, ["hat", "coat"])
    assert torch.equal(read.item, examples.item)
    removal, _ = said(arrived(event(0, "ann", "hat", Action.REMOVE_FROM_CART)), [7])
    assert {record.topic for record in removal} == {"shop-recommendations"}


def test_a_record_that_cannot_be_read_goes_to_the_dead_letters() -> None:
    records, _ = said(arrived(event(0, "ann", "hat"), None), [7])
    (dead,) = (record for record in records if record.topic == "clicks.dlq")
    assert (dead.partition, dead.value) == (3, b"garbage")
    assert dict(dead.headers)["dlq.offset"] == b"11"


def test_the_same_batch_says_the_same_bytes() -> None:
    events = [event(0, "ann", "hat"), event(1, "bob", "coat"), None]
    assert said(arrived(*events), [7], [8])[0] == said(arrived(*events), [7], [8])[0]


@pytest.mark.parametrize("bad", [1, 3])
def test_a_batch_of_bad_records_alone_says_dead_letters_alone(bad: int) -> None:
    released = arrived(*[None] * bad)
    batch, profiles, seen = folded()
    nothing = Ranked.of(
        Ranking(*(torch.zeros(0, 20, dtype=kind) for kind in (torch.int64, torch.float32, torch.uint8)))
    )
    served, who = served_before(profiles, seen, nothing), profiles.pseudonym[seen.user_row]
    examples = examples_of(batch, seen, served, who)
    records = outbox_of(released, Answer(seen, nothing, examples), stamp())
    assert [OutboxRecord.from_bytes(raw).topic for raw in records] == ["clicks.dlq"] * bad
