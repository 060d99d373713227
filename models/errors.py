"""The errors of ``models``: one tree, each with the offending value in it."""

__all__ = ["InvalidRecord", "ModelError"]

_SHOWN_CHARACTERS = 120


class ModelError(Exception):
    """The root of every error that ``models`` raises on purpose."""


class InvalidRecord(ModelError, ValueError):
    """A record that cannot be used: which field, which value, and what was expected.

    Examples
    --------
    >>> str(InvalidRecord("ts", -5, "must be positive"))
    'ts: must be positive (got -5)'
    """

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(field, value, reason)
        self.field = field
        self.value = value
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason} (got {_shown(self.value)})"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
