"""Laws of pseudonyms: one a user, of no use without the profile that has the key."""

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW, USERS, as_batch, cuts, event, folded, streams

from models.events import Event
from models.fold import fold
from models.profile import Profiles
from models.pseudonym import pseudonyms


@LAW
@given(streams())
def test_every_user_with_an_event_has_one_of_their_own(stream: list[Event]) -> None:
    profiles, _ = folded(*stream)
    found = profiles.pseudonym.tolist()
    assert [one != 0 for one in found] == [events > 0 for events in profiles.events.tolist()]
    assert len({one for one in found if one}) == sum(one != 0 for one in found)


@LAW
@given(streams(), st.data())
def test_it_is_that_of_the_first_event_however_the_stream_is_cut(
    stream: list[Event], data: st.DataObject
) -> None:
    parts = Profiles(list(USERS))
    for part in data.draw(cuts(stream)):
        fold(parts, as_batch(part))
    first = {one.user_id: one for one in reversed(stream)}
    keys = as_batch(list(first.values())).event_key.tolist()
    expected = dict(zip(first, pseudonyms(first, keys).tolist(), strict=True))
    assert dict(zip(USERS, parts.pseudonym.tolist(), strict=True)) == dict.fromkeys(USERS, 0) | expected


def test_who_begins_again_after_an_erasure_has_another() -> None:
    before, _ = folded(event(1), event(2))
    after, _ = folded(event(2), event(1))
    assert before.pseudonym[0] != after.pseudonym[0]
