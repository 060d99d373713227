"""What examples say of views and of what came of them: the lines that the behaviour heads learn from."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from models.batch import CODE_OF
from models.context import CONTEXT_ITEMS, Context
from models.events import Action
from models.examples import Examples
from models.ranking import compact

__all__ = ["HEADS", "VIEW", "Conversions", "conversions_of", "without_own"]

VIEW: Final = CODE_OF[Action.VIEW_ITEM]
_CHECKOUT: Final = CODE_OF[Action.BEGIN_CHECKOUT]
# What a view may lead to, by code: a cart, and then a purchase.
HEADS: Final = (CODE_OF[Action.ADD_TO_CART], CODE_OF[Action.PURCHASE])


class Conversions(NamedTuple):
    """N lines: views, and what came of views before; A is the axis of the `HEADS`.

    A view is a line at once, as if nothing came of it; a cart or a purchase that comes later is another line,
    with the context of the view that led to it. Who knows at once what will come of a view says it all in
    one. A purchase without a cart before it is both.
    """

    context: Context  # before the view, without its item
    item: Tensor  # int64[N] keys
    is_view: Tensor  # bool[N]
    outcome: Tensor  # bool[A, N], what came of the view
    ts: Tensor  # int64[N], milliseconds since the Unix epoch: of the view, or of what came of it
    age: Tensor  # int64[N], milliseconds from the view to that; 0 for a view

    def take(self, chosen: Tensor) -> "Conversions":
        """Return the chosen lines, int64[n]."""
        context, outcome = self.context.take(chosen), self.outcome[:, chosen]
        item, is_view, ts, age = (it[chosen] for it in (self.item, self.is_view, self.ts, self.age))
        return Conversions(context, item, is_view, outcome, ts, age)


def conversions_of(examples: Examples) -> Conversions:
    """Return the lines of the examples that are views, or came of one, in order.

    A cart or a purchase came of its user's latest view of the item. What comes of a view for the second time
    does not count, nor does a cart after the purchase.

    The context of that view is what stands in the example's context behind the item. Where the item is not
    in it no view is known, and the example is none of the lines: of the few whose view has fallen out of the
    context most cannot be told from those that never had one. Refunds are no examples: what came back was
    bought all the same.
    """
    context, action = examples.context, examples.action
    own = context.items == examples.item[:, None]  # bool[B, L]
    is_there = own.any(dim=1)
    place = own.to(torch.uint8).argmax(dim=1)  # int64[B], 0 where it is not there
    last = context.actions.gather(1, place[:, None])[:, 0].masked_fill(~is_there, 0)
    is_view = action == VIEW
    outcome = _outcomes(action, last)
    seen = context.ts.gather(1, place[:, None])[:, 0]
    lines = Conversions(
        context=_behind(context, examples.item, torch.where(is_view, -1, place)),
        item=examples.item,
        is_view=is_view,
        outcome=outcome,
        ts=examples.ts,
        age=torch.where(is_view, 0, (examples.ts - seen).clamp(min=0)),
    )
    return lines.take((is_view | outcome.any(dim=0)).nonzero().squeeze(1))


def _outcomes(action: Tensor, last: Tensor) -> Tensor:
    """Return what actions say of a view, bool[A, B], by the last of the same items, uint8[B] each."""
    cart, purchase = HEADS
    was_bought = last == purchase
    is_new = (last != 0) & ~was_bought
    is_bought = (action == purchase) & is_new
    is_taken = ((action == cart) | is_bought) & is_new & (last != cart) & (last != _CHECKOUT)
    return torch.stack([is_taken, is_bought])


def without_own(context: Context, item: Tensor) -> Context:
    """Return B contexts, each without one item (int64[B]): what the heads go by when that item is viewed."""
    return _behind(context, item, torch.full_like(item, -1))


def _behind(context: Context, item: Tensor, place: Tensor) -> Context:
    """Return what stands behind a place (int64[B]) of each context, without an item (int64[B])."""
    places = torch.arange(CONTEXT_ITEMS, device=item.device)
    wanted = (places > place[:, None]) & (context.items != item[:, None]) & (context.items != 0)
    return Context(*compact(wanted, CONTEXT_ITEMS, *context))
