"""The Faust app: ``faust -A stream.app worker -l info``."""

import gc
import sys

gc.disable()  # what is imported stays, and looking for garbage in it is a sixth of a worker's start

from stream.errors import StreamError  # noqa: E402 - after the line above
from stream.lifecycle import build  # noqa: E402
from stream.settings import Settings  # noqa: E402

__all__ = ["app"]

try:
    app = build(Settings.read())
except StreamError as error:
    sys.exit(f"headrace: {error}")
finally:
    gc.enable()
