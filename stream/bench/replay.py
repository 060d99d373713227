"""``headrace bench replay``: how fast the replay producer is, and how well it keeps a rate."""

import tempfile
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from producers.bundled import REES46
from producers.logs import open_log
from producers.plan import ReplayPlan
from producers.replayer import Replay
from producers.report import ReplayReport
from stream.bench.outcome import Bound, Spread, conclude, quiet_kafka, with_file, with_runs
from stream.broker import Broker

__all__ = ["replay"]

_EVENTS: Final = 200_000
# Events a second flat out; and for so many seconds at a rate, of which so much must be kept.
_FASTEST: Final = 50_000.0
_RATE, _SECONDS = 5_000.0, 10
_KEPT: Final = 0.99


@click.command()
@with_runs(5, "Runs of each.")
@with_file
def replay(runs: int, file: Path | None) -> None:
    """Time the replay producer, one process of it: flat out, and at 5,000 events a second.

    Exits with 1 where it publishes less than 50,000 events a second flat out, or less than 99 % of the rate
    that it was asked for.
    """
    quiet_kafka()
    flat_out: list[ReplayReport] = []
    paced: list[ReplayReport] = []
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as name,
        Broker(Path(name) / "kafka") as broker,
    ):
        for _ in track(range(runs), "runs"):
            flat_out.append(_run(broker, None, _EVENTS))
            paced.append(_run(broker, _RATE, round(_RATE * _SECONDS)))
    rates = {
        name: Spread.of([it.events / it.seconds for it in reports])
        for name, reports in (("flat out", flat_out), (f"at {_RATE:,.0f}", paced))
    }
    lag = Spread.of([it.worst_lag_ms for it in paced])
    table = Table("asked for", "events/s", "worst lag, ms")
    for (name, rate), late in zip(rates.items(), ("", str(lag)), strict=True):
        table.add_row(name, str(rate), late)
    Console().print(table)
    fastest, kept = (rate.median for rate in rates.values())
    bounds = [
        Bound("events a second", fastest, "at least", _FASTEST),
        Bound("of the rate is kept", kept / _RATE, "at least", _KEPT),
    ]
    conclude("replay", {"events_per_second": rates, "worst_lag_ms": lag}, file, bounds=bounds)


def _run(broker: Broker, rate: float | None, events: int) -> ReplayReport:
    plan = ReplayPlan(log=open_log(REES46), broker=broker.address, rate=rate, limit=events, loop=True)
    return Replay(plan).run()
