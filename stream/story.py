"""A decision as a line of a story."""

from datetime import UTC, datetime

from models.events import Decision

__all__ = ["line_of"]


def line_of(decision: Decision) -> str:
    """Return when what was decided, and why.

    Examples
    --------
    >>> line_of(Decision(kind="rollback", ts=1_700_000_000_000, reason="challenger 2 goes again"))
    '2023-11-14 22:13:20  rollback          challenger 2 goes again'
    """
    at = datetime.fromtimestamp(decision.ts / 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}  {decision.kind:<16}  {decision.reason}"
