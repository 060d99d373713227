"""Laws of the settings: what an environment may say, and what is wrong with it in one line."""

from pathlib import Path

import pytest

from stream.settings import BadSetting, Settings


def setting(**values: str) -> Settings:
    return Settings.of({f"HEADRACE_{name}": value for name, value in values.items()})


def test_an_empty_environment_gives_the_contracts_defaults() -> None:
    settings = Settings.of({})
    assert settings.broker == "kafka://127.0.0.1:9092"
    assert (settings.device, settings.learner) == ("auto", "auto")
    assert (settings.topic_prefix, settings.web_bind) == ("", "127.0.0.1")
    assert (settings.partitions, settings.top_k) == (4, 20)
    assert not settings.hide_bought


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("BROKER", "kafka://a:1,b:2", "kafka://a:1,b:2"),
        ("DATA_DIR", "state/one", Path("state/one")),
        ("DEVICE", "cuda", "cuda"),
        ("TOPIC_PREFIX", "shop-", "shop-"),
        ("PARTITIONS", "12", 12),
        ("LEARNER", "no", "no"),
        ("WEB_BIND", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - read, not bound
        ("TOP_K", "5", 5),
        ("BATCH", "64", 64),
        ("LINGER_MS", "0", 0),
        ("SEED", str(2**63 - 1), 2**63 - 1),
        ("APP_ID", "shop", "shop"),
        ("HIDE_BOUGHT", "true", True),
        ("HIDE_BOUGHT", "0", False),
        ("SSL_CAFILE", "ca.pem", Path("ca.pem")),
        ("SASL_PASSWORD", "12345", "12345"),
    ],
)
def test_each_name_of_the_contract_is_a_setting(name: str, text: str, value: object) -> None:
    assert getattr(setting(**{name: text}), name.lower()) == value


def test_other_programs_variables_are_passed_over() -> None:
    assert Settings.of({"TOP_K": "7", "XHEADRACE_TOP_K": "7", "HOME": "/home/ann"}) == Settings.of({})


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("TOPK", "TOP_K"),
        ("BROKERS", "BROKER"),
        ("LINGER", "LINGER_MS"),
        ("DATADIR", "DATA_DIR"),
        ("PARTITION", "PARTITIONS"),
        ("HIDE_BOUGTH", "HIDE_BOUGHT"),
        ("SASL_USER", "SASL_USERNAME"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(BadSetting) as refused:
        setting(**{wrong: "1"})
    assert str(refused.value) == f"unknown setting HEADRACE_{wrong}: did you mean HEADRACE_{near}?"


@pytest.mark.parametrize("name", ["", "Ж", "X" * 300])
def test_a_name_like_no_other_is_an_error_as_well(name: str) -> None:
    with pytest.raises(BadSetting, match=r"unknown setting HEADRACE_.*: did you mean HEADRACE_"):
        setting(**{name: "1"})


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("TOP_K", "many", "expected `int`, got `str`"),
        ("TOP_K", "0", "expected `int` >= 1"),
        ("TOP_K", "1001", "expected `int` <= 1000"),
        ("PARTITIONS", "0", "expected `int` >= 1"),
        ("BATCH", "", "expected `int`, got `str`"),
        ("BATCH", "1001", "expected `int` <= 1000"),
        ("SEED", "-1", "expected `int` >= 0"),
        ("SEED", str(2**63), "expected `int` <= 9223372036854775807"),
        ("LINGER_MS", "-1", "expected `int` >= 0"),
        ("DEVICE", "tpu", "must be auto or cpu or cuda"),
        ("LEARNER", "maybe", "must be auto or yes or no"),
        ("HIDE_BOUGHT", "perhaps", "expected `bool`, got `str`"),
        ("APP_ID", "", "expected `str` of length >= 1"),
    ],
)
def test_an_impossible_value_is_an_error_with_the_value_in_it(name: str, text: str, reason: str) -> None:
    with pytest.raises(BadSetting) as refused:
        setting(**{name: text})
    assert str(refused.value) == f"HEADRACE_{name}={text!r}: {reason}"


def test_a_file_of_settings_is_read_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "# ours\nHEADRACE_TOP_K=5\nHEADRACE_BATCH = '64'\n\n"
        '#HEADRACE_SEED=9\nOTHER=1\nHEADRACE_TOPIC_PREFIX="a=b"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_TOP_K", "6")
    settings = Settings.read()
    assert (settings.top_k, settings.batch, settings.seed, settings.topic_prefix) == (6, 64, 0, "a=b")


def test_without_a_file_the_environment_is_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_APP_ID", "from-env")
    assert Settings.read().app_id == "from-env"
