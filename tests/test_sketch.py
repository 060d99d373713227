"""Sketches: vectors of length 1 in which likeness is an angle, the same on every machine."""

import math
import tracemalloc

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from models.events import Item
from models.sketch import SKETCH, sketches

texts = st.text(max_size=40) | st.none()
prices = st.none() | st.floats(allow_nan=True, allow_infinity=True)
described = st.builds(
    Item,
    item_id=st.just("i"),
    ts=st.just(1),
    title=texts,
    description=texts,
    brand=texts,
    category=st.lists(st.text(max_size=8), max_size=4).map(tuple),
    price=prices,
)


def item(**said: object) -> Item:
    return Item(item_id="i", ts=1, **said)  # type: ignore[arg-type]


@given(st.lists(described, max_size=5))
def test_a_sketch_has_length_1_or_says_nothing_whatever_is_said(items: list[Item]) -> None:
    found = sketches(items)
    assert found.shape == (len(items), SKETCH)
    lengths = np.linalg.norm(found, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))


@given(st.lists(described, min_size=2, max_size=5))
def test_an_item_has_the_same_sketch_in_whatever_company(items: list[Item]) -> None:
    assert np.array_equal(sketches(items)[1], sketches(items[1:2])[0])


def test_nothing_said_is_nothing() -> None:
    assert not sketches([item()]).any()
    assert not sketches([item(price=-1.0, title="", category=())]).any()


def test_a_title_is_the_signed_sum_of_its_words_pairs_and_pieces() -> None:
    by_hand = np.zeros(SKETCH)
    for gram in ("red", "shoe", "red shoe", "<sh", "sho", "hoe", "oe>"):
        hashed = xxhash.xxh3_64_intdigest(gram.encode())
        for half in (hashed % 2**32, hashed // 2**32):
            by_hand[half % SKETCH] += -1 if half >= 2**31 else 1
    by_hand /= np.linalg.norm(by_hand)
    assert sketches([item(title="Red SHOE!")])[0] == pytest.approx(by_hand, abs=1e-6)


def test_all_that_is_said_weighs_the_same() -> None:
    # Of two fields of length 1 that share nothing, one alone has a cosine of 1 / sqrt(2) with both together.
    brands = [f"brand {number}" for number in range(200)]
    alone = sketches([item(brand=brand) for brand in brands])
    both = sketches([item(brand=brand, title=f"thing number {brand[::-1]} of many") for brand in brands])
    assert (alone * both).sum(axis=1).mean() == pytest.approx(math.sqrt(0.5), abs=0.02)


@pytest.mark.parametrize(
    ("one", "like", "other"),
    [
        ("blue running shoe", "running shoes blue", "leather wallet"),
        ("蓝色跑步鞋", "跑步鞋 红色", "真皮钱包"),
        ("синяя куртка", "куртки синие", "кожаный кошелёк"),
    ],
)
def test_like_titles_are_near_in_any_language(one: str, like: str, other: str) -> None:
    first, second, third = sketches([item(title=title) for title in (one, like, other)])
    assert first @ second > 0.3 > abs(first @ third)


def test_near_prices_are_near_and_far_ones_are_not() -> None:
    first, second, third = sketches([item(price=price) for price in (10.0, 10.5, 100.0)])
    assert first @ second > 0.6
    assert first @ third < 0.4


def test_things_in_one_department_are_nearer_than_things_in_two() -> None:
    paths = ("clothes", "shoes", "boots"), ("clothes", "shoes", "sandals"), ("garden", "tools", "spades")
    first, second, third = sketches([item(category=path) for path in paths])
    assert first @ second > 0.5 > first @ third


def test_what_no_shop_would_say_costs_no_memory() -> None:
    deep = item(category=("",) * 400_000, title="a" * 400_000, description="b " * 200_000)
    tracemalloc.start()
    found = sketches([deep])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert peak < 20_000_000


def test_many_items_are_sketched_in_slices_alike() -> None:
    many = [item(title=f"thing {number}") for number in range(600)]
    alone = np.concatenate([sketches([one]) for one in many])
    assert np.array_equal(sketches(many), alone)
