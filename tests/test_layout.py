"""Laws of what is stored: it comes back as it was, and what was stored once reads for ever."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from strategies import ITEMS, LAW, START_MS, USERS, as_batch, event, folded, streams

from models.batch import ACTIONS, Batch
from models.events import Action, Event
from models.fingerprint import fingerprint
from models.fold import fold
from models.layout import UnreadableProfile
from models.profile import Profiles
from models.seen import BLOCK, UnreadableBlocks, blocks_from_bytes, blocks_to_bytes

GOLDEN = Path(__file__).parent / "golden"


@LAW
@given(streams())
def test_rows_come_back_as_they_were(stream: list[Event]) -> None:
    profiles, _ = folded(*stream)
    profiles.serve(np.array([1]), np.arange(1, 13)[np.newaxis])
    rows = profiles.to_rows(slice(None))
    again = Profiles.from_rows(list(USERS), rows)
    np.testing.assert_array_equal(again.words, profiles.words)
    assert profiles.to_rows(np.array([2, 0])) == [rows[2], rows[0]]


def test_the_row_of_a_busy_user_comes_back_as_it_was() -> None:
    profiles, _ = folded(*(event(number) for number in range(40)))
    fold(profiles, as_batch([event(number) for number in range(40, 70)]))
    again = Profiles.from_rows(list(USERS), profiles.to_rows(slice(None)))
    np.testing.assert_array_equal(again.words, profiles.words)


def test_golden_profile_still_reads() -> None:
    golden = (GOLDEN / "profile-2.bin").read_bytes()
    stream = [event(n, START_MS + n, event=Action.PURCHASE, item_id=ITEMS[n], price=9.5) for n in range(5)]
    profiles, _ = folded(*stream)
    profiles.serve(np.array([0]), np.arange(1, 21)[np.newaxis])
    np.testing.assert_array_equal(Profiles.from_rows(["ann"], [golden]).words, profiles.words[:1])


def test_golden_blocks_still_read() -> None:
    profiles, _ = folded(*(event(number, START_MS + number) for number in range(BLOCK)))
    golden = (GOLDEN / "blocks-1.bin").read_bytes()
    np.testing.assert_array_equal(blocks_from_bytes(golden), profiles.blocks[0])


@pytest.mark.parametrize("damage", [lambda raw: b"\x03" + raw[1:], lambda raw: raw[:-8], lambda raw: raw[:3]])
def test_what_is_no_row_of_this_format_is_refused(damage: Callable[[bytes], bytes]) -> None:
    profiles, _ = folded(event(1), *(event(number) for number in range(BLOCK)))
    with pytest.raises(UnreadableProfile):
        Profiles.from_rows(["ann"], [damage(profiles.to_rows(slice(None))[0])])
    with pytest.raises(UnreadableBlocks):
        blocks_from_bytes(damage(blocks_to_bytes(profiles.blocks[0])))


def test_action_codes_never_change() -> None:
    assert ACTIONS == (
        "view_item_list",
        "select_item",
        "view_item",
        "add_to_wishlist",
        "add_to_cart",
        "remove_from_cart",
        "begin_checkout",
        "purchase",
        "refund",
    )


def test_fingerprints_never_change() -> None:
    assert [fingerprint("item-1"), fingerprint("ü")] == [-6274262587704068686, 6748675957732712302]


def test_a_price_beyond_float32_is_its_largest_number() -> None:
    assert np.isfinite(Batch.of([event(1, price=1e300)]).price).all()
