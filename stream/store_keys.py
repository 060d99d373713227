"""The keys of the profile store, in each of its partitions.

| key | value |
| --- | --- |
| ``p`` user id | profile (``models.layout``) |
| ``b`` user id | blocks of older event keys (``models.seen``) |
| ``n`` topic | next source offset, decimal |
| ``t`` topic | the identity of the source topic that the offset belongs to |
| ``l`` topic | how often the source topic was recreated, decimal; none for never |
| ``f`` digest | until when a user was erased (``stream.erasure_markers``), decimal milliseconds |
| ``o`` ticket | what a commit has to publish and the broker has not confirmed |
| ``a`` | how far this copy and the changelog agree |
| ``c`` | the last commit whose deletions lie in the files (``stream.tickets``) |

The changelog of a partition holds the same keys and values, but for ``o``, ``a`` and ``c``.
"""

from collections.abc import Mapping
from typing import Final

__all__ = [
    "BLOCKS",
    "GENERATION",
    "IDENTITY",
    "MARKER",
    "OFFSET",
    "OUTBOX",
    "POSITION",
    "PROFILE",
    "UNPURGED",
    "offset_changes",
    "offsets_in",
    "topic_key",
    "user_key",
]

PROFILE: Final = b"p"
BLOCKS: Final = b"b"
OFFSET: Final = b"n"
IDENTITY: Final = b"t"
GENERATION: Final = b"l"
MARKER: Final = b"f"
OUTBOX: Final = b"o"
POSITION: Final = b"a"
UNPURGED: Final = b"c"


def user_key(kind: bytes, user: str) -> bytes:
    """Return the key of a user's profile or blocks.

    Examples
    --------
    >>> user_key(PROFILE, "ann")
    b'pann'
    """
    return kind + user.encode()


def topic_key(kind: bytes, topic: str) -> bytes:
    """Return the key of a source topic's offset, identity or generation.

    Examples
    --------
    >>> topic_key(OFFSET, "clicks")
    b'nclicks'
    """
    return kind + topic.encode()


def offset_changes(offsets: Mapping[str, int]) -> dict[bytes, bytes | None]:
    """Return the next source offsets by key, from those by topic."""
    return {topic_key(OFFSET, topic): str(offset).encode() for topic, offset in offsets.items()}


def offsets_in(changes: Mapping[bytes, bytes | None]) -> dict[str, int]:
    """Return the next source offset by topic, of those topics that have one among the changes.

    Examples
    --------
    >>> offsets_in({b"pann": None, **offset_changes({"clicks": 17})})
    {'clicks': 17}
    """
    found = {key: raw for key, raw in changes.items() if key.startswith(OFFSET)}
    return {key[len(OFFSET) :].decode(): int(raw) for key, raw in found.items() if raw is not None}
