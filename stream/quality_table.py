"""The quality of the models as a table for the terminal."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table

from models.chance_scores import ChanceQuality
from stream.client import Figures

__all__ = ["TITLES", "chance_table", "quality_table"]

TITLES: Final = {
    "headrace": "Headrace",
    "pop": "popularity",
    "rep": "own recent items",
    "sr": "sequential rules",
    "vmis": "VMIS-kNN",
    "isgd": "ISGD",
    "biased_mf": "River's BiasedMF",
    "als": "implicit's ALS",
    "sasrec": "SASRec",
}


def quality_table(quality: Mapping[str, Figures]) -> Table:
    """Return the contract's figures, a line a model.

    Examples
    --------
    >>> quality_table({"headrace": Figures(0.5, 0.2, 0.25, 900)}).row_count
    1
    """
    table = Table("model")
    for title in ("hit rate at 20", "MRR at 20", "nDCG at 10", "scored"):
        table.add_column(title, justify="right")
    for name, of in quality.items():
        figures = (f"{figure:.4f}" for figure in (of.hit_rate_20, of.mrr_20, of.ndcg_10))
        table.add_row(TITLES.get(name, name), *figures, f"{of.scored:,}")
    return table


def chance_table(quality: Mapping[str, ChanceQuality]) -> Table:
    """Return how good the chances foretold of views are, a line for each thing that they may lead to.

    Entropy is the normalised one, the ratio that of what was foretold to what came.

    Examples
    --------
    >>> chance_table({}).row_count
    0
    """
    table = Table("view to")
    for title in ("AUC", "accuracy", "recall", "F1", "log loss", "entropy", "ratio", "of views"):
        table.add_column(title, justify="right")
    for name, of in quality.items():
        figures = (
            of.auc,
            of.accuracy,
            of.recall,
            of.f1,
            of.log_loss,
            of.normalised_entropy,
            of.foretold_per_actual,
        )
        counts = f"{of.positives:,} of {of.scored:,}"
        table.add_row(name, *(f"{figure:.4f}" for figure in figures), counts)
    return table
