"""The quality of the models as a table for the terminal."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table

from models.chance_scores import ChanceQuality
from stream.views import Figures

__all__ = ["FIGURES", "TITLES", "chance_table", "quality_table"]

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
# Of `Figures`, but for what was scored.
FIGURES: Final = {"hit_rate_20": "hit rate at 20", "mrr_20": "MRR at 20", "ndcg_10": "nDCG at 10"}
# Of `ChanceQuality`.
_CHANCES: Final = {
    "AUC": "auc",
    "accuracy": "accuracy",
    "recall": "recall",
    "F1": "f1",
    "log loss": "log_loss",
    "normalised entropy": "normalised_entropy",
    "foretold / actual": "foretold_per_actual",
}


def quality_table(quality: Mapping[str, Figures], of_what: str = "model") -> Table:
    """Return the contract's figures, a line a model, or what else they are of.

    Examples
    --------
    >>> quality_table({"headrace": Figures(0.5, 0.2, 0.25, 900)}).row_count
    1
    """
    table = Table(of_what)
    for title in (*FIGURES.values(), "scored"):
        table.add_column(title, justify="right")
    for model, of in quality.items():
        figures = (f"{getattr(of, name):.4f}" if of.scored else "-" for name in FIGURES)
        table.add_row(TITLES.get(model, model), *figures, f"{of.scored:,}")
    return table


def chance_table(quality: Mapping[str, ChanceQuality]) -> Table:
    """Return how good the chances foretold of views are, a column for each thing that they may lead to.

    Examples
    --------
    >>> chance_table({}).row_count
    9
    """
    table = Table("view to")
    for name in quality:
        table.add_column(name, justify="right")
    for title, figure in _CHANCES.items():
        table.add_row(title, *(f"{getattr(of, figure):.4f}" for of in quality.values()))
    table.add_row("came of views", *(f"{of.positives:,}" for of in quality.values()))
    table.add_row("views", *(f"{of.scored:,}" for of in quality.values()))
    return table
