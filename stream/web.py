"""The pages of a worker's web port."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, cast

import faust
from aiokafka.errors import KafkaError
from faust.types import TP
from faust.types.web import ViewHandlerFun
from faust.web import Request, Response, View
from msgspec import Struct, to_builtins
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from models.answers import ranked_items
from models.context import Context
from models.errors import InvalidRecord
from models.events import MAX_ID_BYTES
from models.observation import History
from models.profile import Profiles
from stream.answering import banned_items
from stream.clock import now_ms
from stream.decision_log import recent_decisions
from stream.health import is_ready, measure
from stream.keys import partition_of
from stream.report import status
from stream.security import client_options
from stream.worker import Worker

__all__ = ["add_pages"]

_MOST_ITEMS: Final = 1000
_PAGE: Final = Path(__file__).with_name("page.html").read_text(encoding="utf-8")


def add_pages(app: faust.App, worker: Worker) -> None:
    """Let the app's web server answer for the worker."""
    pages = Pages(worker)
    paths = {
        "/": pages.live,
        "/healthz": pages.healthz,
        "/readyz": pages.readyz,
        "/metrics": pages.metrics,
        "/status": pages.status,
        "/popular": pages.popular,
        "/decisions": pages.decisions,
        "/users/{user_id}/recommendations": pages.recommendations,
    }
    for path, page in paths.items():
        app.page(path, name=page.__name__)(
            cast("Any", page)
        )  # a bound method, which Faust calls with no view
    app.page("/users/{user_id}", base=_on("delete"), name="forget")(cast("Any", pages.forget))
    app.page("/retrain", base=_on("post"), name="retrain")(cast("Any", pages.retrain))


def _on(method: str) -> type[View]:
    """Return the base of a page that answers ``method``, where Faust's own answer GET."""

    class On(View):
        @classmethod
        def from_handler(cls, fun: ViewHandlerFun) -> type[View]:
            return type("On", (cls,), {method: fun, "__module__": __name__})

    return On


class Pages:
    """What the web port answers; each page takes the request and the parts of its path."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def live(self, request: Request) -> Response:  # noqa: ARG002 - every page is given it
        """Give the page that shows the status as it changes."""
        return self._worker.app.web.html(_PAGE)

    async def healthz(self, request: Request) -> Response:  # noqa: ARG002 - every page is given it
        """Say that the process is alive."""
        return self._json({"status": "alive"})

    async def readyz(self, request: Request) -> Response:  # noqa: ARG002 - every page is given it
        """Say 200 once the rebalance is done and state and model are in place, 503 before."""
        ready = is_ready(self._worker)
        return self._json({"ready": ready}, 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002 - every page is given it
        """Give the Prometheus metrics."""
        measure(self._worker)
        text = generate_latest(self._worker.meters.registry)
        return self._worker.app.web.bytes(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def status(self, request: Request) -> Response:  # noqa: ARG002 - every page is given it
        """Give what `headrace status` and the demo show."""
        return self._json(to_builtins(status(self._worker)))

    async def popular(self, request: Request) -> Response:
        """Give the items that are popular now, best first."""
        k = self._count(request)
        if k is None:
            return self._bad_count(request)
        keys = await self._worker.brain.popular(k)
        return self._json({"items": self._worker.names.of(keys)})

    async def recommendations(self, request: Request, user_id: str) -> Response:
        """Give the best items for a user as the profile stands; the popular ones for a user never seen."""
        k = self._count(request)
        if k is None:
            return self._bad_count(request)
        profiles = self._profile(user_id)
        history, hide = History.of(profiles.actions.entries), self._worker.settings.hide_bought
        banned = banned_items(history.item[:, 0], history, profiles.lines.entries, hide_bought=hide)
        ranked = await self._worker.brain.rank(Context.of(*history), banned, k)
        (items,) = ranked_items(ranked, self._worker.names)
        return self._json({"user_id": user_id, "items": to_builtins(items)})

    async def forget(self, request: Request, user_id: str) -> Response:  # noqa: ARG002 - as above
        """Ask for a user to be forgotten: 202 with where the request lies, once Kafka has it."""
        if not 1 <= len(user_id.encode()) <= MAX_ID_BYTES:
            refused = InvalidRecord("user_id", user_id, f"must be 1 to {MAX_ID_BYTES} bytes of UTF-8")
            return self._json({"error": str(refused)}, 400)
        return await self._asked(self._worker.books.requests.publish(user_id, now_ms()))

    async def retrain(self, request: Request) -> Response:
        """Ask for a challenger: 202 with where the request lies, once Kafka has it."""
        return await self._asked(self._worker.books.retrains.publish(request.query.get("reason", "")))

    async def decisions(self, request: Request) -> Response:
        """Give the last decisions, the oldest first."""
        count = self._count(request)
        if count is None:
            return self._bad_count(request)
        name, partitions = self._worker.topics.name("decisions"), self._worker.settings.partitions
        tps = [TP(name, number) for number in range(partitions)]
        try:
            found = await recent_decisions(client_options(self._worker.settings), tps, count)
        except KafkaError as error:
            return self._away(error)
        return self._json({"decisions": to_builtins(found)})

    async def _asked(self, asking: Awaitable[Struct]) -> Response:
        try:
            return self._json(to_builtins(await asking), 202)
        except (TimeoutError, KafkaError) as error:
            return self._away(error)

    def _away(self, error: Exception) -> Response:
        said = f"Kafka has not confirmed it ({str(error) or 'no answer'}): ask again"
        return self._json({"error": said}, 503)

    def _profile(self, user_id: str) -> Profiles:
        """Return the user's profile, one row; a shop's own partitioner may have put it anywhere."""
        store, partitions = self._worker.store, self._worker.settings.partitions
        usual = partition_of(user_id.encode(), partitions)
        others = (partition for partition in range(partitions) if partition != usual)
        found = (store.load(partition, [user_id]) for partition in (usual, *others))
        return next((profiles for profiles in found if profiles.events[0]), Profiles([user_id]))

    def _count(self, request: Request) -> int | None:
        text = request.query.get("k", str(self._worker.settings.top_k))
        # By its length first: Python refuses to read a number of 5,000 digits.
        short = text.isdecimal() and len(text) <= len(str(_MOST_ITEMS))
        return int(text) if short and 1 <= int(text) <= _MOST_ITEMS else None

    def _bad_count(self, request: Request) -> Response:
        refused = InvalidRecord("k", request.query["k"], f"must be a whole number from 1 to {_MOST_ITEMS}")
        return self._json({"error": str(refused)}, 400)

    def _json(self, value: Any, code: int = 200) -> Response:
        return self._worker.app.web.json(value, status=code)
