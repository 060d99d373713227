"""What the blend's weights depend on: how much is known of a user, and what they have just done."""

from typing import Final

import torch
from torch import Tensor

from models.batch import CODE_OF
from models.context import is_one_visit
from models.events import Action
from models.scorer import Known
from models.table import Table

__all__ = ["CIRCUMSTANCES", "circumstances"]

CIRCUMSTANCES: Final = 7
_CART: Final = CODE_OF[Action.ADD_TO_CART]
_BOUGHT: Final = CODE_OF[Action.PURCHASE]
_MINUTE: Final = 60_000


def circumstances(known: Known, table: Table) -> Tensor:
    """Return float32[B, G]: a constant, then numbers of about 0 to 1."""
    context = known.context
    seen = context.items != 0  # bool[B, L]
    here = (seen & is_one_visit(context.ts[:, :1], context.ts)).sum(dim=1)
    gap = (context.ts[:, 0] - context.ts[:, 1]).clamp(min=0) * seen[:, 1]
    latest = context.actions[:, 0]
    count = torch.log1p(table.take("count", known.rows[:, 0]))
    columns = (
        torch.ones_like(count),
        torch.log1p(seen.sum(dim=1)) / 3,
        torch.log1p(here) / 3,
        torch.log1p(gap / _MINUTE) / 10,
        (latest == _CART).to(torch.float32),
        (latest == _BOUGHT).to(torch.float32),
        count / 6,
    )
    return torch.stack(columns, dim=1)
