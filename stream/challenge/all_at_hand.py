"""The model of a trial, to which all items are at hand."""

from models.catalog import News
from stream.brain import Brain

__all__ = ["AllAtHand"]


class AllAtHand(Brain):
    """One that withholds nothing: what is not to be had now was, perhaps, when the examples came."""

    async def restock(self, news: News) -> None:
        """Take in what the shop says of its items, but for what it has not got."""
        await super().restock(news._replace(unavailable=None))
