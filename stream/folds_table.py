"""The figures of a log's slices as a table for the terminal."""

from collections.abc import Mapping

from rich.table import Table

from models.folds import Folds
from stream.quality_table import FIGURES, TITLES

__all__ = ["folds_table"]


def folds_table(folds: Mapping[str, Folds]) -> Table:
    """Return the mean of each figure and its standard deviation between slices, a line a model.

    Examples
    --------
    >>> folds_table({"pop": Folds([], {"mrr_20": 0.25}, {"mrr_20": 0.1})}).row_count
    1
    """
    table = Table("model")
    for figure in next(iter(folds.values())).mean:
        table.add_column(FIGURES[figure], justify="right")
    for name, of in folds.items():
        table.add_row(
            TITLES.get(name, name), *(f"{mean:.4f} ± {of.spread[it]:.4f}" for it, mean in of.mean.items())
        )
    return table
