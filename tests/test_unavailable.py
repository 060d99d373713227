"""Laws of what is not to be had, against a set."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.unavailable import Unavailable

KEYS = st.sets(st.integers(-(2**63), 2**63 - 1), max_size=8)


@given(KEYS, KEYS)
def test_it_holds_what_it_was_last_given(first: set[int], then: set[int]) -> None:
    gone = Unavailable(torch.device("cpu"))
    asked = torch.tensor([sorted(first | then)], dtype=torch.int64)
    assert not gone.among(asked).any()
    for keys in (first, then):
        gone.replace(np.array(list(keys), dtype=np.int64))
        assert gone.among(asked).tolist() == [[key in keys for key in sorted(first | then)]]
