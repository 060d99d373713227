"""How the learner is connected."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from models.budget import Budget
from models.row_forms import RowForm

__all__ = ["Wire"]


class Wire(NamedTuple):
    """How the learner is connected: aiokafka's client, full names of topics, who it is to the broker.

    ``identity`` asks the broker which topic that of the examples is now, ``form`` is that of rows, ``budget``
    what those of a publication may take, if there is one.
    """

    client: Mapping[str, Any]
    examples: str
    identity: Callable[[], str]
    model: str
    steps: str
    decisions: str
    transactional_id: str
    form: RowForm
    budget: Budget | None
