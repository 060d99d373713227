"""A small process between Headrace and its Kafka: it ends the command it runs when its own parent is gone.

No child can be told to end with a parent that dies by SIGKILL, except on Linux, and there by the thread, not
the process; a pipe held by the parent stays open in whatever the parent forked. Watching the parent's id has
neither flaw. Runs as a script, in a session of its own, so that Ctrl-C in a terminal reaches the parent alone
and it decides when Kafka stops. SIGTERM ends the command in good order, SIGUSR1 at once.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

__all__ = ["supervise"]

_POLL_SECONDS = 0.1
_ORDERLY_SECONDS = 20.0  # Kafka needs 0.5 s when idle; the rest is for a full disk cache on a slow disk


def supervise(parent: int, command: Sequence[str]) -> int:
    """Run ``command`` until it ends, a signal asks for its end, or process ``parent`` is gone.

    Returns
    -------
    int
        The command's exit status; 128 and the signal's number when a signal ended it, as in a shell.
    """
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda received, _: asked.append(received))
    child = subprocess.Popen(command)  # noqa: S603 - the command is Headrace's own
    while child.poll() is None and not asked and os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    if signal.SIGUSR1 not in asked:
        child.terminate()
        _wait(child)
    child.kill()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _wait(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(timeout=_ORDERLY_SECONDS)
    except subprocess.TimeoutExpired:
        return


if __name__ == "__main__":
    sys.exit(supervise(int(sys.argv[1]), sys.argv[2:]))
