"""Laws of the records: what an event may be, and what each action means."""

import msgspec
import pytest

from models.errors import InvalidRecord
from models.events import Action, Event, Forget, Item, RankedItem, Recommendation, Review

ALIASES = {
    Action.VIEW_ITEM: ("view", "click", "pv"),
    Action.ADD_TO_WISHLIST: ("fav",),
    Action.ADD_TO_CART: ("cart", "addtocart"),
    Action.PURCHASE: ("buy", "transaction", "order"),
}
REQUIRED = {"event_id": "e1", "event": "view_item", "ts": 7, "user_id": "ann", "item_id": "hat"}


@pytest.mark.parametrize(("action", "alias"), [(a, name) for a, names in ALIASES.items() for name in names])
def test_an_alias_is_read_as_its_action(action: Action, alias: str) -> None:
    assert msgspec.convert(REQUIRED | {"event": alias}, Event).event is action


def test_an_event_is_written_under_the_name_of_ga4_and_not_the_alias() -> None:
    event = msgspec.convert(REQUIRED | {"event": "buy"}, Event)
    assert msgspec.to_builtins(event)["event"] == "purchase"


def test_orders_are_purchases_and_refunds_alone() -> None:
    assert [action for action in Action if action.is_order] == [Action.PURCHASE, Action.REFUND]


def test_only_removals_and_refunds_take_back() -> None:
    assert [action for action in Action if action.takes_back] == [Action.REMOVE_FROM_CART, Action.REFUND]


def test_fields_that_were_not_given_are_not_sent() -> None:
    assert msgspec.to_builtins(msgspec.convert(REQUIRED, Event)) == REQUIRED
    assert msgspec.to_builtins(RankedItem("hat", 0.5, "popular")) == {
        "item_id": "hat",
        "score": 0.5,
        "source": "popular",
    }


def test_a_recommendation_names_every_field_of_the_contract() -> None:
    answer = Recommendation(
        recommendation_id="r", user_id="u", ts=2, event_id="e", event_ts=1, model_version=0, items=[]
    )
    assert list(msgspec.to_builtins(answer)) == [
        "recommendation_id",
        "user_id",
        "ts",
        "event_id",
        "event_ts",
        "model_version",
        "items",
    ]


@pytest.mark.parametrize(
    "record",
    [
        msgspec.convert(REQUIRED, Event),
        Item(item_id="hat", ts=1),
        Review(review_id="r", user_id="u", item_id="i", ts=1),
        Forget(user_id="u", ts=1),
    ],
)
def test_records_cannot_be_changed(record: msgspec.Struct) -> None:
    with pytest.raises(AttributeError):
        record.ts = 8  # type: ignore[attr-defined]


def test_an_error_shows_long_values_and_reasons_cut() -> None:
    shown = str(InvalidRecord("event", "x" * 400_000, "invalid enum value " + "x" * 400_000))
    assert shown.startswith("event: invalid enum value xxx")
    assert len(shown) < 300


def test_an_error_shows_a_value_of_any_depth() -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    assert str(InvalidRecord("title", deep, "expected `str`")) == "title: expected `str` (got [[[...]]])"
