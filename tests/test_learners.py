"""The laws of `checks`, for every Learner there is, on each device there is."""

from collections.abc import Callable

import pytest
import torch
from checks import CHECKS
from lessons import contexts, examples

from models.chain import Chain
from models.embedding import EmbeddingLearner, Hyperparameters
from models.learner import Learner
from models.metrics import K
from models.popularity import Popularity
from models.ranking import Ranking
from models.recent import Recent
from models.recommender import Recommender
from models.stock import Stock
from models.table import Table

PLACES = K + 4  # the checks ban four items at most
LIMIT = 60  # fewer than the made-up shop has: some items get no row
SMALL = Hyperparameters(drawn_from=200)  # so that the ring turns over


def embedding(device: torch.device, limit: int = 1_000) -> EmbeddingLearner:
    return EmbeddingLearner(Table(SMALL.columns, limit, device, seed=3), 3, SMALL)


def popularity(device: torch.device, limit: int = 1_000) -> Popularity:
    return Popularity(Table(Popularity.COLUMNS, limit, device, seed=3), PLACES)


LEARNERS: dict[str, Callable[[torch.device], Learner]] = {
    "embedding": embedding,
    "full embedding": lambda device: embedding(device, LIMIT),
    "popularity": popularity,
    "full popularity": lambda device: popularity(device, LIMIT),
    "recent": lambda _: Recent(),
    "chain": lambda device: Chain([Recent(), embedding(device), popularity(device)]),
    "recommender": lambda device: Recommender(Stock(1_000, device), seed=3),
}
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
    ),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("device", DEVICES)
def test_every_learner(name: str, device: str, check: Callable[..., None]) -> None:
    place = torch.device(device)
    check(lambda: LEARNERS[name](place), place)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", ["popularity", "recent"])
def test_cuda_ranks_as_the_cpu_does(name: str) -> None:
    rankings: list[Ranking] = []
    for device in (torch.device("cpu"), torch.device("cuda")):
        learner = LEARNERS[name](device)
        for seed in range(4):
            learner.learn_many(examples(64, seed, device))
        context = contexts(32, 9, device)
        rankings.append(learner.predict_many(context, context.items[:, :1], K))
    assert torch.equal(rankings[0].items, rankings[1].items.cpu())
