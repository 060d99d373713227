"""The command ``headrace``."""

import click

from producers.cli import replay
from stream.cli_broker import broker

__all__ = ["main"]


@click.group()
def main() -> None:
    """Headrace: a streaming online-learning recommender for e-commerce."""


main.add_command(broker)
main.add_command(replay)
