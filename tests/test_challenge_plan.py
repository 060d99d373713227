"""What goes between the learner and the process of a trial comes out as it went in."""

from pathlib import Path

import pytest

from models.challenger import Standing
from models.rules import Phase
from stream.challenge.plan import (
    Failed,
    HandedOver,
    Message,
    Order,
    Passing,
    Plan,
    Stood,
    WasTrained,
    encoder,
    messages,
    orders,
)
from stream.challenge.process import _environment
from stream.progress import Mark
from stream.settings import Settings

GIVEN = Settings(
    data_dir=Path("/some/where"),
    ssl_cafile=Path("ca.pem"),
    sasl_username="ann",
    sasl_password="кот",  # noqa: S106 - nobody's
    checkpoint_seconds=0.5,
)


@pytest.mark.parametrize("settings", [Settings(), GIVEN])
@pytest.mark.parametrize("role", list(Phase))
def test_orders(settings: Settings, role: Phase) -> None:
    plan = Plan(role, Mark(3, 900, {"clicks-0": 2**40}), 17, champion=9, recent=2_560)
    line = encoder.encode(Order(settings, plan, "/some/where/challenge"))
    assert b"\n" not in line
    assert orders.decode(line) == Order(settings, plan, "/some/where/challenge")


@pytest.mark.parametrize(
    "said",
    [
        Passing(1_280, 2),
        WasTrained(1_280, [0.5, 0.4375], 0.5),
        Stood(Standing(39, 0.5, 0.25, 0.001, 1.0)),
        HandedOver(),
        Failed("a line\nand another", again=True),
    ],
)
def test_what_is_told(said: Message) -> None:
    line = encoder.encode(said)
    assert b"\n" not in line
    assert messages.decode(line) == said


def test_a_challenger_is_out_of_the_way_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GIVEN.of_challengers == GIVEN
    assert Settings(device="cuda", retrain_device="cpu").of_challengers.device == "cpu"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("HEADRACE_TOP_K", "7")
    assert "CUDA_VISIBLE_DEVICES" not in _environment()
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert _environment()["CUDA_VISIBLE_DEVICES"] == "1"
    assert _environment()["HEADRACE_TOP_K"] == "7"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert _environment()["CUDA_VISIBLE_DEVICES"] == "5"
