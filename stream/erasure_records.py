"""Erasures in the examples topic: a record that teaches nothing and ends all that one user has taught so far.

It is like any record of examples, but has none, and a header ``forget`` in place of the ``origins``: the
user's pseudonym, int64 little-endian. Who owns the user's profile sends it after the user's last examples, so
what stands behind it is of another user, or of one who came anew.
"""

import struct
from collections.abc import Iterable
from typing import Final

from models.errors import ModelError
from models.examples import no_examples
from models.packing import pack
from stream.outbox import OutboxRecord

__all__ = ["ErasureUnreadable", "erased_user", "erasure_record"]

_HEADER: Final = "forget"
_PSEUDONYM: Final = struct.Struct("<q")


class ErasureUnreadable(ModelError, ValueError):
    """A header that is no pseudonym."""


def erasure_record(examples: str, pseudonym: int) -> OutboxRecord:
    """Return the record that erases a user; ``examples`` is the full name of the topic.

    Examples
    --------
    >>> record = erasure_record("examples", -7)
    >>> record.partition, [name for name, _ in record.headers]
    (0, ['forget'])
    >>> erased_user(record.headers)
    -7
    """
    return OutboxRecord(examples, 0, None, pack(no_examples(), []), ((_HEADER, _PSEUDONYM.pack(pseudonym)),))


def erased_user(headers: Iterable[tuple[str, bytes]]) -> int | None:
    """Return whom a record of the examples topic erases; None where it is no such record.

    Raises
    ------
    ErasureUnreadable
        If the header is something else.
    """
    raw = dict(headers).get(_HEADER)
    if raw is None:
        return None
    if len(raw) != _PSEUDONYM.size:
        raise ErasureUnreadable(f"no pseudonym: {raw[:64]!r}")
    pseudonym: int = _PSEUDONYM.unpack(raw)[0]
    return pseudonym
