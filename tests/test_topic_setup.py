"""Laws of how topics must be set up, without a broker."""

from stream.topics import Topics


def test_a_lesson_of_a_whole_batch_fits_into_a_record_and_is_kept_for_a_week() -> None:
    (examples,) = (topic for topic in Topics("shop-", 3).wanted() if topic.name == "shop-examples")
    assert examples.config == {"retention.ms": "604800000", "max.message.bytes": "4194304"}


def test_what_was_erased_leaves_the_changelog_within_hours_and_its_requests_are_kept() -> None:
    config = {topic.name: topic.config for topic in Topics("shop-", 3).wanted()}
    assert config["shop-profiles"]["max.compaction.lag.ms"] == "14400000"
    assert int(config["shop-profiles"]["min.compaction.lag.ms"]) < 14_400_000
    assert config["shop-forget"] == {"retention.ms": "-1"}


def test_the_inputs_are_what_others_write() -> None:
    inputs = {topic.name for topic in Topics("shop-", 3).wanted() if topic.is_input}
    assert inputs == {"shop-clicks", "shop-purchases", "shop-catalog", "shop-forget"}
