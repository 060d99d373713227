"""Ports of the loopback address: which are taken, and a free one."""

import random
import socket

__all__ = ["LOOPBACK", "free_port", "listens"]

LOOPBACK = "127.0.0.1"

# Below every system's ephemeral range (Linux 32768, IANA 49152): a client that dials a dead port within it
# over and over may be given the same port as its own, reach itself, and keep the server from coming back.
_FREE_PORTS = range(20_000, 32_768)


def listens(port: int) -> bool:
    """Whether a process listens on the loopback's ``port``; closed connections that linger do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """Return a port of the loopback where nothing listens, another one at each call and in each process.

    Examples
    --------
    >>> listens(free_port())
    False
    """
    candidates = random.SystemRandom().sample(_FREE_PORTS, len(_FREE_PORTS))
    return next(port for port in candidates if not listens(port))
