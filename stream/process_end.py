"""What a worker's process needs around Faust's start and stop: an end that comes, a log that can be read."""

import logging
import os
import threading
import time
from typing import Final

__all__ = ["Seldom", "end_with_main_thread", "say_seldom"]

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS: Final = 1.0
_CLIENTS: Final = ("aiokafka", "kafka")
_SECONDS: Final = 10.0


def end_with_main_thread() -> None:
    """Have the process end soon after its main thread has, from now on.

    A consumer of aiokafka does not end while no broker answers, and the thread that Faust has it in keeps the
    process up. All that is to be saved is saved by then.
    """
    threading.Thread(target=_end, name="process-end", daemon=True).start()


def _end() -> None:
    threading.main_thread().join()
    time.sleep(_PATIENCE_SECONDS)
    _log.error("Kafka does not answer, and its client does not end: the process ends without it")
    logging.shutdown()
    os._exit(1)


class Seldom(logging.Filter):
    """Lets a message through once in so many seconds, whatever its details.

    A client without a broker says the same ten times a second.

    Examples
    --------
    >>> seldom = Seldom(10.0)
    >>> said = [logging.makeLogRecord({"msg": "no node %s", "created": at}) for at in (0.0, 9.0, 10.0)]
    >>> [seldom.filter(record) for record in said]
    [True, False, True]
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._said_at: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to say it."""
        is_due = record.created - self._said_at.get(record.msg, -self._seconds) >= self._seconds
        if is_due:
            self._said_at[record.msg] = record.created
        return is_due


def say_seldom() -> None:
    """Have Kafka's clients repeat themselves once in ten seconds at most."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _CLIENTS:
            logging.getLogger(name).addFilter(Seldom(_SECONDS))
