"""The fold written again, one event at a time with lists and dicts: the oracle of `models.fold`."""

import dataclasses
import math

from models.events import Action, Event

DAY_MS = 86_400_000
HALF_LIVES_MS = (3_600_000, DAY_MS, 30 * DAY_MS)
WEIGHTS = {
    Action.VIEW_ITEM_LIST: 0.125,
    Action.SELECT_ITEM: 1,
    Action.VIEW_ITEM: 1,
    Action.ADD_TO_WISHLIST: 2,
    Action.ADD_TO_CART: 4,
    Action.BEGIN_CHECKOUT: 4,
    Action.PURCHASE: 8,
}


@dataclasses.dataclass
class Line:
    item: str
    ts: int
    action: Action = Action.PURCHASE


@dataclasses.dataclass
class SlowProfile:
    """One user: the events that were kept, in the order of arrival, and the order lines, newest first."""

    kept: list[Event] = dataclasses.field(default_factory=list)
    lines: list[Line] = dataclasses.field(default_factory=list)

    def is_repeat(self, event: Event) -> bool:
        full = len(self.kept) // 64
        newest = max((old.ts for old in self.kept), default=0)
        for number in range(full):
            block = self.kept[number * 64 : number * 64 + 64]
            recent = max(old.ts for old in block) >= newest - 7 * DAY_MS and number >= full - 256
            if (number >= full - 16 or recent) and any(old.event_id == event.event_id for old in block):
                return True
        return any(old.event_id == event.event_id for old in self.kept[full * 64 :])

    def fold(self, event: Event) -> bool:
        if self.is_repeat(event):
            return False
        self.kept.append(event)
        if event.event is Action.PURCHASE:
            self.lines.insert(0, Line(event.item_id, event.ts))
            self.lines.sort(key=lambda line: -line.ts)  # stable: what arrives later is newer
            del self.lines[32:]
        if event.event is Action.REFUND:
            fits = [line for line in self.lines if line.item == event.item_id and line.ts <= event.ts]
            for line in [line for line in fits if line.action is Action.PURCHASE][:1]:
                line.action = Action.REFUND
        return True

    def history(self) -> list[Event]:
        arrived = list(enumerate(self.kept))
        arrived.sort(key=lambda pair: (pair[1].ts, pair[1].event.is_order, pair[0]), reverse=True)
        return [event for _, event in arrived[:50]]

    def latest(self) -> str | None:
        whole = sorted(enumerate(self.kept), key=lambda pair: (pair[1].ts, pair[1].event.is_order, pair[0]))
        counting = [event.item_id for _, event in whole if not event.event.takes_back]
        return counting[-1] if counting else None

    def sums(self, key_of: "dict[str, str]", ts: int) -> dict[str, list[float]]:
        """Return the decayed sums of each key as of a time; ``key_of`` gives an item's key."""
        sums: dict[str, list[float]] = {}
        for event in self.kept:
            key, weight = key_of.get(event.item_id), WEIGHTS.get(event.event, 0)
            if key and weight:
                old = sums.setdefault(key, [0.0] * 3)
                for place, half_life in enumerate(HALF_LIVES_MS):
                    old[place] += weight * math.exp2((event.ts - ts) / half_life)
        return sums
