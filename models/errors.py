"""The errors of ``models``: one tree, each with the offending value in it."""

import reprlib

__all__ = ["InvalidRecord", "ModelError"]

_SHOWN_CHARACTERS = 120
# A value may be nested as deep as it could just be read: repr alone would run out of stack.
_shallow = reprlib.Repr()
_shallow.maxlevel = 2
_shallow.maxstring = _shallow.maxother = 2 * _SHOWN_CHARACTERS


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
        return f"{self.field}: {_cut(self.reason)} (got {_cut(_shallow.repr(self.value))})"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
