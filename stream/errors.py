"""The errors of ``stream``: one tree, each one line that says what is wrong and what to do."""

from pathlib import Path

__all__ = ["BrokerDown", "FolderTaken", "JarMismatch", "JarsUnavailable", "PortTaken", "StreamError"]


class StreamError(Exception):
    """The root of every error that ``stream`` raises on purpose."""


class PortTaken(StreamError):
    """Another process listens on the wanted port of the loopback address.

    Examples
    --------
    >>> str(PortTaken(9092))
    'port 9092 on 127.0.0.1 is taken: stop what listens there, or choose another port'
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port

    def __str__(self) -> str:
        return f"port {self.port} on 127.0.0.1 is taken: stop what listens there, or choose another port"


class FolderTaken(StreamError):
    """Another embedded Kafka runs on the wanted folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return f"another Kafka runs on {self.folder}: stop that one, or choose another folder"


class JarsUnavailable(StreamError):
    """Kafka's jars are not in the cache and could not be fetched."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"Kafka's jars could not be fetched ({self.reason}): "
            "check the network and start again; only the first start needs it"
        )


class JarMismatch(StreamError):
    """A jar is missing, or its bytes are not those that were listed when the project was tested."""

    def __init__(self, jar: Path) -> None:
        super().__init__(jar)
        self.jar = jar

    def __str__(self) -> str:
        return (
            f"{self.jar.name} is missing or is not the file whose SHA-256 is listed: "
            f"delete the folder {self.jar.parent} and start again to fetch it anew"
        )


class BrokerDown(StreamError):
    """The embedded Kafka did not come up, or ended by itself."""

    def __init__(self, reason: str, log: Path) -> None:
        super().__init__(reason, log)
        self.reason = reason
        self.log = log

    def __str__(self) -> str:
        return f"the embedded Kafka {self.reason}; read {self.log}"
