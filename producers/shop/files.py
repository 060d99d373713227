"""The made-up shop written down: as a log, as a list of its items, and the truth of its views."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import zstandard

from models.events import Action, Event, Item
from producers.shop.records import Names
from producers.shop.shop import Shop

__all__ = ["write_catalog", "write_log", "write_truth"]

_encode = msgspec.json.Encoder().encode


@contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that is compressed as its name says: ``.gz``, ``.zst`` or not at all."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            # Without the time of the writing the same shop is the same file.
            with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
                yield cast("BinaryIO", packed)
        elif path.suffix == ".zst":
            with zstandard.ZstdCompressor().stream_writer(file) as packed_too:
                yield cast("BinaryIO", packed_too)
        else:
            yield file


def write_log(path: Path, shop: Shop, limit: int | None = None) -> int:
    """Write the first events as JSON Lines, and return how many; an item's first one says what it is."""
    written = 0
    with _created(path) as file:
        for row in _rows(shop.records(limit)):
            file.write(_encode(row) + b"\n")
            written += 1
    return written


def _rows(records: Iterable[object]) -> Iterator[Event | dict[str, Any]]:
    items: dict[str, Item] = {}
    for record in records:
        if isinstance(record, Item) and record.available:
            items[record.item_id] = record
        elif isinstance(record, Event):
            item = items.pop(record.item_id, None)
            yield record if item is None else _described(record, item)


def _described(event: Event, item: Item) -> dict[str, Any]:
    facts = {name: getattr(item, name) for name in ("title", "description", "category", "brand")}
    return {**msgspec.to_builtins(event), **facts}


def write_catalog(path: Path, shop: Shop) -> int:
    """Write the items that are there when the shop opens as JSON Lines, and return how many."""
    written = 0
    with _created(path) as file:
        for item in shop.records():
            if not isinstance(item, Item) or item.ts >= shop.plan.start:
                break
            file.write(_encode(item) + b"\n")
            written += 1
    return written


def write_truth(path: Path, shop: Shop, limit: int | None = None) -> int:
    """Write what is true of the views among the first events as JSON Lines, and return how many views.

    The first line has the plan, and the times of the drifts in milliseconds since the Unix epoch.
    """
    written = 0
    with _created(path) as file:
        file.write(_encode({"plan": shop.plan, "drifts": shop.truth.drifts}) + b"\n")
        for view in _views(shop, limit):
            file.write(_encode(view) + b"\n")
            written += 1
    return written


def _views(shop: Shop, limit: int | None) -> Iterator[dict[str, Any]]:
    names, left = Names(shop.plan), limit
    for chunk in shop.chunks():
        views = chunk.take(slice(left)).doing(Action.VIEW_ITEM)
        for row in zip(*(column.tolist() for column in views), strict=True):
            of = dict(zip(views._fields, row, strict=True))
            yield {
                "event_id": names.event(of["action"], of["view"], of["position"]),
                "ts": of["ts"],
                "user_id": names.user(of["user"]),
                "item_id": names.items[of["item"]],
                "returns": of["returns"],
                "p_cart": of["p_cart"],
                "p_purchase": of["p_purchase"],
                "purchase_ts": of["purchase_ts"] or None,
            }
        left = None if left is None else left - len(chunk.ts)
        if left is not None and left <= 0:
            return
