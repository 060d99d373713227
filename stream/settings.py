"""The settings: environment variables with the prefix ``HEADRACE_``, or a ``.env`` file, read once."""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, get_args, get_origin

import msgspec

from stream.errors import StreamError

__all__ = ["BadSetting", "Settings", "environment"]

_PREFIX: Final = "HEADRACE_"
_Count = Annotated[int, msgspec.Meta(gt=0)]


class BadSetting(StreamError):
    """A setting that does not exist or has an impossible value."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker may be told; the name of each in capitals, after ``HEADRACE_``, sets it.

    Examples
    --------
    >>> Settings.of({"HEADRACE_TOP_K": "5", "HOME": "/home/ann"}).top_k
    5
    """

    broker: str = "kafka://127.0.0.1:9092"
    data_dir: Path = Path(".headrace")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    topic_prefix: str = ""
    partitions: _Count = 4
    learner: Literal["auto", "yes", "no"] = "auto"
    web_bind: str = "127.0.0.1"
    top_k: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    # Events of one step, at most: larger ones are quicker, smaller ones learn fresher.
    batch: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 256
    linger_ms: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5
    # What every generator of random numbers takes as a seed.
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    app_id: Annotated[str, msgspec.Meta(min_length=1)] = "headrace"
    # Leave what a user has bought and not returned out of the user's recommendations.
    hide_bought: bool = False
    # What recommendations are to bring about: what they are ranked by.
    objective: Literal["view", "cart", "purchase", "value"] = "view"
    # Rows of the embedding table; events of items beyond teach nothing.
    max_items: _Count = 10_000_000
    # How titles and descriptions are compared: by their words, or also by what these mean (headrace[text]).
    text: Literal["hashed", "minilm"] = "hashed"
    # How rows of the model are published: as they are, or with vectors of int8.
    model_rows: Literal["exact", "int8"] = "exact"
    # What rows may take of the model topic, in bytes a second; 0: as much as they need.
    model_bytes_per_second: Annotated[int, msgspec.Meta(ge=0)] = 0
    # When a challenger is trained: after an alarm, by schedule or when asked; only the latter two; or never.
    retrain: Literal["auto", "asked", "no"] = "auto"
    # On how many of the last examples, how often a day at most, and every so many hours; 0: on no schedule.
    retrain_examples: _Count = 200_000
    retrain_per_day: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 4
    retrain_hours: Annotated[float, msgspec.Meta(ge=0, le=8760)] = 0.0
    # Where a challenger is trained; auto: on a second GPU, or where the worker's model is.
    retrain_device: Literal["auto", "cpu", "cuda"] = "auto"
    # A folder for what TensorBoard shows of the learning (headrace[tensorboard]).
    tensorboard: Path | None = None
    # From one checkpoint of the model to the next: what a start has to read from Kafka again; 0: none.
    checkpoint_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    # Security of the broker, passed to Faust: TLS where a CA file is named, SASL where a user name is.
    ssl_cafile: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: str | None = None
    # For tests and `headrace bench chaos`: where the worker kills itself, "name:nth" (stream.crash_points).
    crash_at: Annotated[str, msgspec.Meta(pattern=r"^([a-z-]+:[1-9][0-9]*)?$")] = ""

    @classmethod
    def read(cls) -> "Settings":
        """Return the settings of this process, those of its `environment`.

        Raises
        ------
        BadSetting
            If a name is unknown or a value impossible.
        """
        return cls.of(environment())

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings in ``environment``; other programs' variables are passed over."""
        given = {
            name.removeprefix(_PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(_PREFIX)
        }
        for name in given.keys() - set(cls.__struct_fields__):
            raise BadSetting(_unknown(name, cls.__struct_fields__))
        try:
            return msgspec.convert(given, cls, strict=False, dec_hook=lambda kind, value: kind(value))
        except msgspec.ValidationError as error:
            raise BadSetting(_impossible(str(error), given)) from error

    @property
    def of_challengers(self) -> "Settings":
        """What the process is told in which a challenger is trained."""
        if self.retrain_device == "auto":
            return self
        return msgspec.structs.replace(self, device=self.retrain_device)


def environment() -> dict[str, str]:
    """Return this process's environment variables, over those of a ``.env`` file in the working folder."""
    file = Path(".env")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {**_assignments(lines), **os.environ}


def _assignments(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return f"unknown setting {_PREFIX}{name.upper()}: did you mean {_PREFIX}{near.upper()}?"


def _impossible(reason: str, given: Mapping[str, str]) -> str:
    text, _, path = reason.partition(" - at `$.")
    name = path.rstrip("`")
    kind = Settings.__annotations__.get(name)
    if get_origin(kind) is Literal:
        text = f"must be {' or '.join(get_args(kind))}"
    return f"{_PREFIX}{name.upper()}={given.get(name, '')!r}: {text[:1].lower()}{text[1:]}"
