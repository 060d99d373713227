"""``headrace broker``: the embedded Kafka in the foreground."""

import signal
from pathlib import Path

import click

from stream.broker import Broker
from stream.errors import StreamError

__all__ = ["broker"]


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=9092, show_default=True, help="Where clients connect."
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".headrace/kafka"),
    show_default=True,
    help="The folder of topics and log; a restart finds its records there.",
)
def broker(port: int, data: Path) -> None:
    """Run a Kafka on this machine alone, until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both ask for the same orderly stop
    try:
        with Broker(data, port) as running:
            click.echo(f"Kafka listens on {running.address}, its log is {running.log}; Ctrl-C stops it")
            running.wait()
    except KeyboardInterrupt:
        click.echo("Kafka has stopped")
    except (StreamError, OSError) as error:
        raise click.ClickException(str(error)) from error
