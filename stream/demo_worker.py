"""A worker that imports its half gigabyte of libraries first and starts when told.

So it gets ready while its Kafka starts. It is told by a line on standard input, and ends where none comes.
"""

import sys
from importlib import import_module

from faust.cli.faust import cli

__all__: list[str] = []

if __name__ == "__main__":
    import_module(sys.argv[sys.argv.index("-A") + 1])
    if sys.stdin.readline():
        cli()
