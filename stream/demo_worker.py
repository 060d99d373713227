"""A worker that imports its half gigabyte of libraries first and starts when told.

So it gets ready while its Kafka starts. It is told by a line on standard input, and ends where none comes.
"""

import sys

from faust.cli.faust import cli

from stream.app import app

__all__: list[str] = []

if __name__ == "__main__" and app is not None and sys.stdin.readline():
    cli()
