"""Faust's own tables, without the second that their manager waits before each start."""

from faust.tables.manager import TableManager

__all__ = ["PromptTables"]


class PromptTables(TableManager):
    """Registers the tables at once: all are declared where the app is, so none comes later.

    Faust 0.15 sleeps for a second first, and only then does a worker join its group.
    """

    async def on_start(self) -> None:
        """Have the tables that there are registered, and recovered once partitions are assigned."""
        await self._update_channels()
        await self.recovery.start()
