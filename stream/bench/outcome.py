"""What the benchmarks have in common: options, spreads of runs, bounds, and the file of the figures."""

import logging
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import click
import msgspec
import psutil
import torch
from rich.console import Console

from stream.versions import versions

__all__ = ["Bound", "Spread", "conclude", "machine", "quiet_kafka", "with_file", "with_runs"]

_CPUINFO: Final = Path("/proc/cpuinfo")
_GIB: Final = 2**30
_Command = TypeVar("_Command", bound=Callable[..., object])

# Adds --json FILE to a command, whose parameter is ``file``.
with_file: Final = click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures."
)


def with_runs(default: int, help_text: str) -> Callable[[_Command], _Command]:
    """Return what adds --runs N to a command, whose parameter is ``runs``."""
    return click.option(
        "--runs", type=click.IntRange(min=1), default=default, show_default=True, help=help_text
    )


class Spread(msgspec.Struct, frozen=True):
    """The figures of several runs.

    Examples
    --------
    >>> str(Spread.of([4_100.4, 3_900.0, 5_000.0]))
    '4,100 (3,900 to 5,000)'
    >>> str(Spread.of([0.5, 0.25]))
    '0.375 (0.25 to 0.5)'
    """

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        """Return the spread of one run or more."""
        return cls(statistics.median(figures), min(figures), max(figures))

    def __str__(self) -> str:
        median, lowest, highest = map(_shown, (self.median, self.lowest, self.highest))
        return f"{median} ({lowest} to {highest})"


class Bound(msgspec.Struct, frozen=True):
    """What a figure must keep to.

    Examples
    --------
    >>> bound = Bound("events a second", 4_030.0, "at least", 5_000)
    >>> str(bound), bound.is_met
    ('events a second: 4,030, at least 5,000', False)
    """

    what: str
    figure: float
    side: Literal["at least", "at most"]
    limit: float

    @property
    def is_met(self) -> bool:
        """Whether the figure keeps to it; one that is not a number does not."""
        return self.figure >= self.limit if self.side == "at least" else self.figure <= self.limit

    def __str__(self) -> str:
        return f"{self.what}: {_shown(self.figure)}, {self.side} {_shown(self.limit)}"


def conclude(
    name: str, figures: Mapping[str, Any], file: Path | None, *, bounds: Sequence[Bound] = ()
) -> None:
    """Print how the bounds are kept, and write all to a file if there is one.

    Raises
    ------
    click.ClickException
        If a bound is missed.
    """
    console = Console()
    for bound in bounds:
        console.print(f"{bound}{'' if bound.is_met else ': missed'}", highlight=False)
    if file is not None:
        written = {"name": name, **figures, "bounds": bounds, "machine": machine(), "versions": versions()}
        file.write_bytes(msgspec.json.format(msgspec.json.encode(written)))
    missed = [bound.what for bound in bounds if not bound.is_met]
    if missed:
        raise click.ClickException(f"{name} missed a bound: {', '.join(missed)}")


def machine() -> dict[str, str | int]:
    """Return what the figures were taken on: processor, cores, GiB of memory, and the GPU if there is one."""
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    found: dict[str, str | int] = {
        "processor": next(models, "unknown"),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / _GIB),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def quiet_kafka() -> None:
    """Have Kafka's clients say nothing of attempts that fail while a broker starts or is away."""
    for client in ("aiokafka", "kafka"):
        logging.getLogger(client).setLevel(logging.CRITICAL)


def _shown(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 1_000 else f"{figure:.4g}"  # noqa: PLR2004 - digits to read
