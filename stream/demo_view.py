"""What a demo shows while it runs: a live view in a terminal, a line now and then elsewhere."""

from typing import Final, NamedTuple, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stream.quality_table import quality_table
from stream.views import View

__all__ = ["LiveScreen", "Moment", "PlainScreen", "Screen", "screen_on"]

# Between two lines where nobody watches a terminal, in seconds.
_LINE_SECONDS: Final = 2.0


class Moment(NamedTuple):
    """How a demo stands: seconds since its first event, share of the log, and what came of it."""

    seconds: float
    fraction: float
    sent: int
    rate: float  # events a second
    lag: float  # of the learner, in seconds
    view: View

    @property
    def pace(self) -> str:
        """The rate and the lag in words."""
        return f"{self.rate:,.0f} events/s, learner {self.lag:.1f} s behind"

    @property
    def latency(self) -> str:
        """The percentiles from event to recommendation in words."""
        return ", ".join(f"{name} {value:,.0f} ms" for name, value in self.view.latency_ms.items())


class Screen(Protocol):
    """Shows moments between its start and its end."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def show(self, moment: Moment) -> None:
        """Show how it stands now."""


def screen_on(console: Console, log: str, page: str) -> Screen:
    """Return the screen that fits the console, for a demo of the log of that name."""
    return LiveScreen(console, log, page) if console.is_terminal else PlainScreen(console)


class LiveScreen:
    """A view that is drawn anew with each moment.

    Parameters
    ----------
    console
        A terminal.
    log
        The name of what is replayed.
    page
        The address of the worker's page.
    """

    def __init__(self, console: Console, log: str, page: str) -> None:
        self._log = log
        self._page = page
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, moment: Moment) -> None:
        """Draw the moment."""
        progress = Table.grid(padding=(0, 1))
        done = f"{moment.fraction:.0%}  {moment.sent:,} events  {moment.seconds:.0f} s"
        progress.add_row(self._log, ProgressBar(completed=100 * moment.fraction, width=40), done)
        lines = {"page": self._page, "rate": moment.pace, "latency": moment.latency}
        words = Table.grid(padding=(0, 1))
        for name, line in lines.items():
            words.add_row(Text(name, style="bold"), line)
        self._live.update(Group(progress, words, quality_table(moment.view.quality)), refresh=True)


class PlainScreen:
    """Writes a line every two seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._due = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, moment: Moment) -> None:
        """Write the moment, where the last one is long enough ago."""
        if moment.seconds < self._due:
            return
        self._due = moment.seconds + _LINE_SECONDS
        rates = ", ".join(f"{name} {of.hit_rate_20:.3f}" for name, of in moment.view.quality.items())
        self._console.print(
            f"{moment.seconds:4.0f} s: {moment.sent:,} events ({moment.fraction:.0%}) at {moment.pace}; "
            f"latency {moment.latency}; hit rate at 20: {rates}",
            soft_wrap=True,
        )
