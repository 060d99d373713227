"""The commands of ``producers``, for the ``headrace`` group."""

from producers.replay import replay
from producers.shop.command import shop

__all__ = ["replay", "shop"]
