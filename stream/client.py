"""What another process sees of a worker: its web port, asked over HTTP."""

import http.client
import urllib.error
import urllib.request
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from models.events import Decision
from stream.errors import StreamError
from stream.views import Advice, Decisions, Request, Retrain, View

__all__ = ["Client", "Refused", "WorkerAway"]

# A worker that is busy with a batch answers in milliseconds; one that takes longer than this is stuck.
_ANSWER_SECONDS: Final = 10.0

_Answer = TypeVar("_Answer")


class WorkerAway(StreamError):
    """No worker answers at the address.

    Examples
    --------
    >>> print(WorkerAway("http://127.0.0.1:6066", "Connection refused"))
    no worker answers at http://127.0.0.1:6066 (Connection refused): start one, or name another with --web
    """

    def __init__(self, address: str, reason: object) -> None:
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        return f"no worker answers at {self.address} ({self.reason}): start one, or name another with --web"


class Refused(StreamError):
    """A worker that answered, but not with what it was asked for."""


class Client:
    """Asks one worker.

    Parameters
    ----------
    address
        Where its web port is, as in ``http://127.0.0.1:6066``.

    Examples
    --------
    >>> Client("http://127.0.0.1:6066/").address
    'http://127.0.0.1:6066'
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def is_ready(self) -> bool:
        """Whether the worker is there, its state recovered and its partitions assigned."""
        try:
            self._get("/readyz")
        except StreamError:
            return False
        return True

    def status(self) -> View:
        """Return how the worker stands; raises `WorkerAway` and `Refused`."""
        return self._decode(self._get("/status"), View)

    def recommendations(self, user_id: str, count: int | None = None) -> Advice:
        """Return the best items for a user now; raises `WorkerAway` and `Refused`."""
        query = "" if count is None else "?" + urlencode({"k": count})
        return self._decode(self._get(f"/users/{quote(user_id, safe='')}/recommendations{query}"), Advice)

    def forget(self, user_id: str) -> Request:
        """Ask for a user to be forgotten; raises `WorkerAway` and `Refused`."""
        return self._decode(self._ask("DELETE", f"/users/{quote(user_id, safe='')}"), Request)

    def retrain(self, reason: str) -> Retrain:
        """Ask for a challenger; raises `WorkerAway` and `Refused`."""
        return self._decode(self._ask("POST", "/retrain?" + urlencode({"reason": reason})), Retrain)

    def decisions(self, count: int) -> list[Decision]:
        """Return the last decisions, the oldest first; raises `WorkerAway` and `Refused`."""
        return self._decode(self._get("/decisions?" + urlencode({"k": count})), Decisions).decisions

    def _get(self, path: str) -> bytes:
        return self._ask("GET", path)

    def _ask(self, method: str, path: str) -> bytes:
        try:
            asked = urllib.request.Request(self.address + path, method=method)  # noqa: S310 - the user names the address
            with urllib.request.urlopen(asked, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - likewise
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise Refused(f"{self.address}{path} answers {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise WorkerAway(self.address, getattr(error, "reason", error)) from error

    def _decode(self, answer: bytes, kind: type[_Answer]) -> _Answer:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(f"{self.address} does not answer as a worker does: {error}") from error
