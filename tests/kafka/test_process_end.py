"""A worker whose Kafka is gone: it says so in few words, and ends when it is told to."""

from pathlib import Path

from answers import publish
from kept import traffic
from shop import Shop
from worker_process import WorkerProcess

from stream.broker import Broker

_LOST = "Unable connect to node"


def test_a_worker_ends_though_kafka_is_gone(tmp_path: Path) -> None:
    with Broker(tmp_path / "kafka") as broker:
        shop = Shop.new(broker.address)
        with WorkerProcess(shop, tmp_path / "worker") as worker:
            worker.ready()
            publish(shop, traffic(range(20)))
            worker.reaches(usable=20)
            broker.kill()
            worker.until(lambda: _LOST in worker.log, "it has noticed")
            took = worker.stop()
            assert took < 9.0  # 3 s for the learner, 2 to disconnect, 2 of Faust, 1 of patience
            assert worker.process.returncode == 1
            assert worker.log.count(_LOST) <= 1 + took // 10
            assert "Kafka does not answer, and its client does not end" in worker.log
