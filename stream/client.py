"""What another process sees of a worker: its web port, asked over HTTP."""

import http.client
import urllib.error
import urllib.request
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from stream.errors import StreamError

__all__ = ["Advice", "Client", "Drift", "Figures", "Refused", "Request", "Suggestion", "View", "WorkerAway"]

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


class Figures(msgspec.Struct, frozen=True):
    """How well a model foresaw events, as the contract scores it."""

    hit_rate_20: float = 0.0
    mrr_20: float = 0.0
    ndcg_10: float = 0.0
    scored: int = 0


class Drift(msgspec.Struct, frozen=True):
    """How often the model was found to be behind the shop, and what was done about it."""

    alarms: int = 0
    retrains: int = 0
    promotions: int = 0
    rollbacks: int = 0


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's ``/status``; what it does not tell, as a worker without a drift monitor, is 0 or empty.

    The fields mean what they mean in `stream.report.Status`, which this process could only import with all
    of torch behind it.
    """

    ready: bool = False
    handled: int = 0
    usable: int = 0
    duplicates: int = 0
    forgotten: int = 0
    dead_letters: int = 0
    handed_on: int = 0
    learnt: int = 0
    version: int = 0
    complete: int = 0
    learnt_to: dict[str, int] = {}
    lag: int = 0
    latency_ms: dict[str, float] = {}
    quality: dict[str, Figures] = {}
    drift: Drift = Drift()
    rows: int = 0
    users: int = 0
    device: str = ""
    resident_bytes: int = 0
    versions: dict[str, str] = {}


class Suggestion(msgspec.Struct, frozen=True):
    """One recommended item: how good, and what put it there."""

    item_id: str
    score: float
    source: str


class Advice(msgspec.Struct, frozen=True):
    """What a worker recommends a user now, best first."""

    user_id: str
    items: list[Suggestion]


class Request(msgspec.Struct, frozen=True):
    """Where in Kafka it stands that a user is to be forgotten."""

    user_id: str
    topic: str
    partition: int
    offset: int


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
