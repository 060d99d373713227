"""The command line: quick where nothing heavy is needed, and one line and a status for whatever is wrong."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from stream.cli import main
from stream.client import Client, Refused, WorkerAway
from stream.ports import free_port

_STATUS = {
    "ready": True,
    "usable": 7,
    "latency_ms": {"p50": 2.5},
    "quality": {"pop": {"hit_rate_20": 0.25, "mrr_20": 0.1, "ndcg_10": 0.1, "scored": 4}},
    "rows": 3,
    "to_come": 1,
}
_ITEMS = [{"item_id": "i9", "score": 0.5, "source": "popular"}]
_ANSWERS = {
    "/readyz": {"ready": True},
    "/status": _STATUS,
    "/users/a%2Fb/recommendations?k=1": {"user_id": "a/b", "items": _ITEMS},
    "/other/status": ["not", "a", "status"],
}


class _Worker(BaseHTTPRequestHandler):
    """Answers as a worker does."""

    def do_GET(self) -> None:
        answer = _ANSWERS.get(self.path)
        self.send_response(404 if answer is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def worker() -> Iterator[str]:
    """The address of something that answers as a worker does."""
    with HTTPServer(("127.0.0.1", 0), _Worker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from stream.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(sorted({'torch', 'faust', 'kafka', 'aiokafka'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "demo" in done.stdout


def test_every_listed_command_is_there() -> None:
    assert isinstance(main.list_commands(None), list)
    for name in main.list_commands(None):
        command = main.get_command(None, name)
        assert command is not None
        assert command.name == name


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nothing"], "nothing"),
        (["demo", "--nothing"], "--nothing"),
        (["demo", "--log", "no/such.csv"], "no/such.csv"),
        (["demo", "--report", "no/such/report.json"], "no/such"),
        (["demo", "--events", "0"], "--events"),
        (["recommend"], "USER"),
        (["shop", "--users", "0"], "users"),
        (["shop", "--drift-at", "8"], "drift_at"),
        (["shop", "--items", "some"], "--items"),
        (["shop", "--rate", "1", "--speed", "1"], "--speed"),
        (["shop", "--log", "shop.jsonl", "--rate", "1"], "--rate"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(arguments: list[str], named: str) -> None:
    status, output, errors = _run(*arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert named in errors


def test_no_worker_is_one_line_and_status_1() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    status, output, errors = _run("status", "--web", address)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert address in errors


def test_status_is_shown_as_a_table_and_as_json(worker: str) -> None:
    status, output, _ = _run("status", "--web", worker)
    assert status == 0
    assert "0.2500" in output
    status, output, _ = _run("status", "--web", worker, "--json")
    assert status == 0
    assert json.loads(output)["usable"] == 7
    assert json.loads(output)["drift"]["alarms"] == 0


def test_a_users_recommendations_are_shown_best_first(worker: str) -> None:
    status, output, _ = _run("recommend", "a/b", "-k", "1", "--web", worker)
    assert status == 0
    assert "i9" in output
    status, output, _ = _run("recommend", "a/b", "-k", "1", "--web", worker, "--json")
    assert json.loads(output)["items"] == _ITEMS


def test_an_address_that_is_no_workers_is_said_so(worker: str) -> None:
    assert Client(worker).is_ready()
    with pytest.raises(Refused, match="404"):
        Client(f"{worker}/nowhere").status()
    with pytest.raises(Refused, match="not answer as a worker"):
        Client(f"{worker}/other").status()
    with pytest.raises(WorkerAway):
        Client("nonsense").status()
