"""The commands of ``producers``, for the ``headrace`` group."""

from producers.replay import replay

__all__ = ["replay"]
