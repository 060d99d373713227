"""The Faust app: ``faust -A stream.app worker -l info``."""

import sys

from stream.errors import StreamError
from stream.lifecycle import build
from stream.settings import Settings

__all__ = ["app"]

try:
    app = build(Settings.read())
except StreamError as error:
    sys.exit(f"headrace: {error}")
