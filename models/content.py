"""What the shop says of an item, as a scorer: the likes of what a user looks at, be they new or rare."""

from typing import Any, ClassVar, Final

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.examples import Examples
from models.pool import Pool
from models.popularity import Popularity
from models.products import products
from models.ranking import highest
from models.scorer import Known, Proposal, Shortlist
from models.sketch import SKETCH
from models.stock import Stock
from models.table import Table

__all__ = ["Content"]

# Proposed of the items of the latest item's category, and of those that are popular or new.
_OF_CATEGORY: Final = 25
_OF_POOL: Final = 10
# Steps from one pool to the next: what is popular changes slowly.
_POOL_LASTS: Final = 8
# Items of the context that speak, the n-th of them with weight 0.6^n.
_HORIZON: Final = 5
_DECAY: Final = 0.6
# Of the inner product at first: a softmax over a hundred candidates has its most likely ones then.
_SCALE: Final = 8.0
_RATE: Final = 0.05
# Events of an item after which what is said of it counts half: g = n / (n + 3) is left to the others.
_KNOWN: Final = 3.0
_HOUR: Final = 3_600_000
_TINY: Final = 1e-6


class Content:
    """Proposes described items that are like those of the context, and learns which are looked at together.

    A user is the mean sketch of their latest items, u; an item with sketch x scores u M x. M starts as a
    multiple of the identity, so that likeness counts at first, and descends the softmax of what came next
    among the items of its batch by row-wise Adagrad: an embedding of hashed n-grams that knows no ids, so
    that new items need none (Volkovs, Yu and Poutanen, DropoutNet: Addressing Cold Start in Recommender
    Systems, NIPS 2017, with all of them dropped). Popularity does not enter: an item is as often another's
    negative as it is a positive.

    Parameters
    ----------
    table
        Has the column ``count`` of events of an item.
    popularity
        Knows what is popular.
    stock
        Has the descriptions.
    """

    prior: ClassVar[tuple[float, ...]] = (2.0, 1.0, 1.0, 0.5, 0.2, 0.2, 0.0)

    def __init__(self, table: Table, popularity: Popularity, stock: Stock) -> None:
        self._table, self._popularity, self._stock = table, popularity, stock
        self._map = _SCALE * torch.eye(SKETCH, device=table.device)  # float32[S, S]
        self._square = torch.zeros(SKETCH, device=table.device)
        decays = _DECAY ** torch.arange(_HORIZON, dtype=torch.float32)
        self._decays = decays.to(table.device)  # float32[H]
        self._pool: Pool | None = None
        self._steps = 0

    def propose(self, known: Known) -> Proposal:
        """Return those most like the context, of its category and of the pool.

        An item that was described after the context's latest action is not proposed.
        """
        if not len(self._stock):
            return Proposal(known.context.items[:, :0])
        users = self._users(known.context.items)  # float32[B, S]
        wanted = users @ self._map
        found = torch.cat([self._of_category(known, wanted), self._of_pool(known, wanted)], dim=1)
        return Proposal(torch.where(users.any(dim=1, keepdim=True), found, 0))

    def columns(self, known: Known, shortlist: Shortlist) -> list[Tensor]:
        """Return what speaks for each candidate.

        The log of its share of a softmax, also as far as its own events say little; the likeness without what
        was learnt; whether it has the category and the brand of the latest item; how near its price is; how
        new it is.
        """
        if not len(self._stock):
            return [torch.zeros(shortlist.items.shape, device=shortlist.items.device)] * len(self.prior)
        rows = self._stock.find(shortlist.items)  # int64[B, C]
        users = self._users(known.context.items)
        scores = products(users @ self._map, rows, self._stock["sketch"])  # float32[B, C]
        likeness = products(users, rows, self._stock["sketch"])  # float32[B, C]
        log_share = scores.masked_fill(shortlist.items == 0, -1e4).log_softmax(dim=1).clamp(min=-10) / 10
        unknown = _KNOWN / (_KNOWN + self._table.take("count", shortlist.rows))
        latest = self._stock.find(known.context.items[:, :1])  # int64[B, 1]
        prices = self._stock.take("log_price", rows), self._stock.take("log_price", latest)
        near = torch.exp(-(prices[0] - prices[1]).abs())
        return [
            log_share,
            log_share * unknown,
            likeness,
            self._same("category", rows, latest),
            self._same("brand", rows, latest),
            near.nan_to_num(0.0),
            self._fresh(known, rows),
        ]

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn from examples of described items; return their losses, float32[B], 0 for the others."""
        losses = torch.zeros(len(examples.item), device=examples.item.device)
        if not len(self._stock):
            return losses
        self._steps += 1
        if self._steps % _POOL_LASTS == 0:
            self._pool = self._new_pool()
        rows = self._stock.find(examples.item)
        self._stock.show(examples.item[rows != 0])
        users = self._users(examples.context.items)
        teaches = (rows != 0) & users.any(dim=1)  # bool[B]
        users, items = users[teaches], examples.item[teaches]  # float32[n, S], int64[n]
        vectors = self._stock.take("sketch", rows[teaches])  # float32[n, S]
        itself = torch.eye(len(items), dtype=torch.bool, device=items.device)
        again = (items[:, None] == items) & ~itself
        log_shares = (users @ self._map @ vectors.T).masked_fill(again, -1e4).log_softmax(dim=1)
        self._descend(users.T @ (log_shares.exp() - itself.to(torch.float32)) @ vectors)
        losses[teaches] = -log_shares.diagonal()
        return losses

    @property
    def state(self) -> dict[str, Any]:
        """What was learnt and its optimizer's state, of types that msgpack has; nothing without a catalog."""
        if not self._steps:
            return {}
        return {"steps": self._steps, "map": _to_bytes(self._map), "square": _to_bytes(self._square)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._steps, self._pool = state.get("steps", 0), None
        if state:
            _fill(self._map, state["map"])
            _fill(self._square, state["square"])

    def _users(self, items: Tensor) -> Tensor:
        """Return the mean sketches of contexts' latest items (int64[B, L]), float32[B, S]."""
        rows = self._stock.find(items[:, :_HORIZON])  # int64[B, H]
        weights = self._decays * (rows != 0)
        weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=_TINY)
        return embedding_bag(rows, self._stock["sketch"], mode="sum", per_sample_weights=weights)

    def _of_category(self, known: Known, wanted: Tensor) -> Tensor:
        """Return keys, int64[B, P], 0 for none."""
        items = self._stock.of_category(self._stock.find(known.context.items[:, 0]))  # int64[B, N]
        rows = self._stock.find(items)
        scores = products(wanted, rows, self._stock["sketch"])  # float32[B, N]
        hidden = (rows == 0) | (self._stock.take("since", rows) >= known.context.ts[:, :1])
        return _best(scores.masked_fill_(hidden, -torch.inf), items, _OF_CATEGORY)

    def _of_pool(self, known: Known, wanted: Tensor) -> Tensor:
        """Return keys, int64[B, P], 0 for none."""
        if self._pool is None or not self._pool.has_all_new:
            self._pool = self._new_pool()
        items = self._pool.items.expand(len(wanted), -1)  # int64[B, N]
        return _best(self._pool.scores(wanted, known.context.ts[:, 0]), items, _OF_POOL)

    def _new_pool(self) -> Pool:
        return Pool(self._stock, self._table.take("key", self._popularity.top_rows))

    def _fresh(self, known: Known, rows: Tensor) -> Tensor:
        """Return 1 for what was described just now, a half after 100 minutes, then less, float32[B, C]."""
        age = (known.context.ts[:, :1] - self._stock.take("since", rows)).clamp(min=0)
        return (rows != 0) / (1 + torch.log1p(age.to(torch.float32) / _HOUR))

    def _same(self, name: str, rows: Tensor, latest: Tensor) -> Tensor:
        """Return 1 where a row has what the latest item has under ``name``, float32[B, C]."""
        theirs, own = self._stock.take(name, rows), self._stock.take(name, latest)
        return ((theirs == own) & (own != 0)).to(torch.float32)

    def _descend(self, slope: Tensor) -> None:
        self._square += slope.square().mean(dim=1)
        self._map -= _RATE * slope / (self._square.sqrt() + _TINY)[:, None]


def _to_bytes(tensor: Tensor) -> bytes:
    return tensor.cpu().numpy().tobytes()


def _fill(tensor: Tensor, kept: bytes) -> None:
    tensor.copy_(torch.frombuffer(bytearray(kept), dtype=torch.float32).view_as(tensor))


def _best(scores: Tensor, items: Tensor, count: int) -> Tensor:
    """Return the best items, of [B, N] each, but those of minus infinity: int64[B, count], 0 for none."""
    values, best = highest(scores, min(count, scores.shape[1]))
    return torch.where(values > -torch.inf, items.gather(1, best), 0)
