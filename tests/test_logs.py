"""Recorded logs: every row is an event or a bad row with its line, whatever the file is."""

import gzip
import os
from itertools import islice
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from models.codec import EVENTS, encode
from models.events import Action, Event, Item
from producers.bundled import ONLINE_RETAIL_ITEMS, REES46
from producers.errors import UnusableLog
from producers.logs import open_log, read_log
from producers.reading import BadRow, Reading

_ROWS = "ts,user,item,event\n1569888000,u1,i1,view\n1569888060,u2,i2,buy\n"


def _written(tmp_path: Path, content: str | bytes, name: str = "shop.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _events(path: Path, *, run: str = "", reading: Reading | None = None) -> list[Event]:
    records = read_log(open_log(path, run=run), reading or Reading())
    return [record for record in records if isinstance(record, Event)]


def _bad_lines(path: Path) -> list[int]:
    reading = Reading()
    list(read_log(open_log(path), reading))
    assert len(reading.first_bad) == reading.bad
    return [row.line for row in reading.first_bad]


@pytest.mark.parametrize(
    "cell",
    [
        "1569888000",
        "1569888000.0",
        "1569888000000",
        "2019-10-01T00:00:00Z",
        "2019-10-01 00:00:00",
        "2019-10-01T02:00:00+02:00",
    ],
)
def test_seconds_milliseconds_and_iso_8601_mean_the_same_moment(tmp_path: Path, cell: str) -> None:
    assert [event.ts for event in _events(_written(tmp_path, f"ts,user,item\n{cell},u,i\n"))] == [
        1569888000000
    ]


def test_a_row_without_an_event_column_is_a_view(tmp_path: Path) -> None:
    assert _events(_written(tmp_path, "ts,user_id,item_id\n7,u,i\n"))[0].event is Action.VIEW_ITEM


def test_every_event_field_has_its_column(tmp_path: Path) -> None:
    path = _written(
        tmp_path,
        "order,ts,position,user,item,event,event_id,session,price,quantity,recommendation_id,colour\n"
        "o1,7000000000000,3,ü,i,refund,e1,s1,2.5,-2,r1,red\n",
    )
    assert _events(path) == [
        Event(
            event_id="e1", event=Action.REFUND, ts=7_000_000_000_000, user_id="ü", item_id="i",
            session_id="s1", quantity=-2, price=2.5, order_id="o1", recommendation_id="r1", position=3,
        )
    ]  # fmt: skip


def test_plain_gzip_and_zstd_files_hold_the_same_events(tmp_path: Path) -> None:
    plain = _events(_written(tmp_path, _ROWS))
    packed = [gzip.compress(_ROWS.encode()), zstandard.ZstdCompressor().compress(_ROWS.encode())]
    for content in packed:
        found = _events(_written(tmp_path, content))
        assert [msgspec.structs.replace(event, event_id="") for event in found] == [
            msgspec.structs.replace(event, event_id="") for event in plain
        ]


def test_json_lines_hold_events_as_on_the_topics(tmp_path: Path) -> None:
    rows = (
        '{"event":"pv","ts":7,"user_id":"u","item_id":"i","unknown":[1]}\n\n'
        '{"event_id":"own","event":"order","ts":8,"user_id":"u","item_id":"j","title":"Lamp"}\n'
    )
    path = _written(tmp_path, rows, "shop.jsonl")
    records = list(read_log(open_log(path), Reading()))
    assert [type(record) for record in records] == [Event, Item, Event]
    assert [(event.ts, event.event) for event in _events(path)] == [
        (7, Action.VIEW_ITEM),
        (8, Action.PURCHASE),
    ]
    assert _events(path)[1].event_id == "own"


@pytest.mark.parametrize(
    "row",
    [
        "x,u,i,view,,",
        "-7,u,i,view,,",
        "0,u,i,view,,",
        "1e400,u,i,view,,",
        f"{'9' * 5000},u,i,view,,",
        "7,,i,view,,",
        "7,u,,view,,",
        f"7,{'u' * 257},i,view,,",
        f"7,{'ü' * 129},i,view,,",
        "7,u,i,stare,,",
        "7,u,i,,,",
        "7,u,i,view,nan,",
        "7,u,i,view,inf,",
        "7,u,i,view,cheap,",
        "7,u,i,view,,-1",
        "7,u,i,view,",
        "7,u,i,view,,,,",
        f"7,u,{'i' * 140_000},view,,",
        f"7,u,i,view,,{2**63}",
        f"7,u,i,view,,{'9' * 5000}",
    ],
)
def test_a_row_that_cannot_be_read_is_counted_with_its_line_and_the_rest_goes_on(
    tmp_path: Path, row: str
) -> None:
    path = _written(tmp_path, f"ts,user,item,event,price,position\n7,u,i,view,,\n{row}\n8,u,i,view,,\n")
    assert _bad_lines(path) == [3]
    assert [event.ts for event in _events(path)] == [7000, 8000]


@pytest.mark.parametrize("quantity", ["1e30", "-1e19", "9223372036854775808"])
def test_a_quantity_that_no_record_can_hold_makes_a_bad_row(tmp_path: Path, quantity: str) -> None:
    path = _written(tmp_path, f"ts,user,item,quantity\n7,u,i,{quantity}\n8,u,i,1e18\n")
    assert _bad_lines(path) == [2]
    assert [event.quantity for event in _events(path)] == [10**18]


def test_a_time_that_no_record_can_hold_makes_a_bad_row(tmp_path: Path) -> None:
    rows = (f'{{"event":"pv","ts":{ts},"user_id":"u","item_id":"i"}}\n' for ts in (7, "9" * 23, 2**63, 8))
    path = _written(tmp_path, "".join(rows), "shop.jsonl")
    assert _bad_lines(path) == [2, 3]
    assert [event.ts for event in _events(path)] == [7, 8]


def test_a_pipe_is_no_log(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UnusableLog, match="is no file"):
        open_log(tmp_path / "pipe.csv")


def test_what_is_no_log_is_shown_in_a_line(tmp_path: Path) -> None:
    path = _written(tmp_path, "é\x00," * 5_000)
    with pytest.raises(UnusableLog) as refused:
        list(read_log(open_log(path), Reading()))
    assert len(str(refused.value)) < len(str(path)) + 400


def test_an_empty_line_is_no_row(tmp_path: Path) -> None:
    path = _written(tmp_path, "ts,user,item\n7,u,i\n\nx,u,i\n\n")
    assert _bad_lines(path) == [4]


def test_a_row_that_is_no_utf_8_is_a_bad_row(tmp_path: Path) -> None:
    path = _written(tmp_path, b"ts,user,item,title\n7,u\xff,i,a\n7,u,i,\xff\n7,u,i,a\n")
    assert _bad_lines(path) == [2, 3]


@pytest.mark.parametrize(
    "line", ["{", "[]", "7", '{"ts":7}', '{"event":"pv","ts":7,"user_id":"","item_id":"i"}', "\xff"]
)
def test_a_line_that_is_no_event_is_a_bad_row(tmp_path: Path, line: str) -> None:
    good = '{"event":"pv","ts":7,"user_id":"u","item_id":"i"}'
    assert _bad_lines(_written(tmp_path, f"{good}\n{line}\n{good}\n")) == [2]


_CELLS = st.text(st.sampled_from('ab,"\n\r é'), max_size=6)


@given(rows=st.lists(st.one_of(st.none(), _CELLS), max_size=12))
def test_a_line_number_is_where_the_row_starts_also_after_quoted_line_breaks(
    rows: list[str | None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content, line, expected = "ts,user,item,brand\n7,u,i,x\n", 3, []
    for brand in rows:
        if brand is None:
            expected.append(line)
        quoted = (brand or "").replace('"', '""')
        text = ("soon" if brand is None else "7") + f',u,i,"{quoted}"\n'
        line += text.count("\n") + text.replace("\r\n", "").count("\r")
        content += text
    path = _written(tmp_path_factory.mktemp("log"), content)
    assert _bad_lines(path) == expected
    assert len(_events(path)) == 1 + len(rows) - len(expected)


def test_only_the_first_bad_rows_are_kept_but_all_are_counted(tmp_path: Path) -> None:
    reading = Reading()
    _events(_written(tmp_path, "ts,user,item\n7,u,i\n" + "x,u,i\n" * 500), reading=reading)
    assert (reading.bad, reading.rows, len(reading.first_bad)) == (500, 1, 20)
    assert reading.first_bad[0] == BadRow(
        "shop.csv", 3, "ts: must be seconds, milliseconds or ISO 8601 (got 'x')"
    )


def test_a_second_run_repeats_the_ids_and_a_named_run_makes_them_new(tmp_path: Path) -> None:
    path = _written(tmp_path, _ROWS)
    first, again, named = ([event.event_id for event in _events(path, run=run)] for run in ("", "", "monday"))
    assert first == again
    assert len({*first, *named}) == 4


def test_another_file_has_other_ids(tmp_path: Path) -> None:
    one = _events(_written(tmp_path, _ROWS))
    other = _events(_written(tmp_path, _ROWS.replace("u2", "u3")))
    assert not {event.event_id for event in one} & {event.event_id for event in other}


@pytest.mark.parametrize("rows", [_ROWS, "event_id,ts,user,item\na,60,u,i\nb,0.001,u,i\nc,30,u,i\n"])
def test_a_loop_shifts_times_by_the_span_and_makes_new_ids(tmp_path: Path, rows: str) -> None:
    path = _written(tmp_path, rows)
    one_lap = _events(path)
    span = max(event.ts for event in one_lap) - min(event.ts for event in one_lap)
    three = [*islice(read_log(open_log(path), Reading(), loop=True), 3 * len(one_lap))]
    shifted = [
        msgspec.structs.replace(e, event_id="", ts=e.ts + lap * span) for lap in range(3) for e in one_lap
    ]
    assert [msgspec.structs.replace(e, event_id="") for e in three if isinstance(e, Event)] == shifted
    assert len({event.event_id for event in three if isinstance(event, Event)}) == len(three)


def test_a_loop_counts_bad_rows_once_and_describes_an_item_once(tmp_path: Path) -> None:
    path = _written(tmp_path, "ts,user,item,brand\n7,u,i,acme\nx,u,i,acme\n")
    reading = Reading()
    records = [*islice(read_log(open_log(path), reading, loop=True), 5)]
    assert [type(record) for record in records] == [Item, Event, Event, Event, Event]
    assert reading.bad == 1


def test_an_item_comes_just_before_its_first_event() -> None:
    described: set[str] = set()
    pending: Item | None = None
    for record in read_log(open_log(REES46), Reading()):
        if isinstance(record, Item):
            assert pending is None
            assert record.item_id not in described
            described.add(record.item_id)
            pending = record
        else:
            assert pending is None or (pending.item_id, pending.ts) == (record.item_id, record.ts)
            assert record.item_id in described
            pending = None
    assert len(described) == 6493


def test_a_replay_has_the_same_records_with_the_items_ahead() -> None:
    log = open_log(REES46)
    given, replayed = list(read_log(log, Reading())), list(log.read(Reading()))
    for kind in (Event, Item):
        assert [it for it in replayed if isinstance(it, kind)] == [it for it in given if isinstance(it, kind)]
    events, described_at = 0, dict[str, int]()
    for record in replayed:
        if isinstance(record, Item):
            described_at[record.item_id] = events
        else:
            events += 1
    first_at = dict[str, int]()
    for place, event in enumerate(it for it in given if isinstance(it, Event)):
        first_at.setdefault(event.item_id, place)
    assert {first_at[item] - at for item, at in described_at.items() if at} == {500}


def test_a_replay_has_all_that_stands_before_the_damage(tmp_path: Path) -> None:
    whole = gzip.compress(
        "".join(["ts,user,item\n", *(f"{n},u{n},i{n * n}\n" for n in range(50_000))]).encode()
    )
    path = _written(tmp_path, whole[: len(whole) // 2])
    given, replayed = [], []
    for records, found in (
        (read_log(open_log(path), Reading()), given),
        (open_log(path).read(Reading()), replayed),
    ):
        with pytest.raises(UnusableLog):
            found.extend(records)
    assert replayed == given
    assert len(given) > 1_000


def test_a_price_alone_describes_no_item(tmp_path: Path) -> None:
    records = list(read_log(open_log(_written(tmp_path, "ts,user,item,price\n7,u,i,2.5\n")), Reading()))
    assert [type(record) for record in records] == [Event]


def test_items_of_a_file_come_first_and_are_not_described_again(tmp_path: Path) -> None:
    log = _written(tmp_path, "ts,user,item,brand\n7,u,i,other\n8,u,j,acme\n")
    items = _written(
        tmp_path, "item,title,category,price,available\ni,Lamp,home/light,9.5,false\n,x,,,\n", "items.csv"
    )
    reading = Reading()
    lamp, first, chair, second = read_log(open_log(log, items=items), reading)
    assert lamp == Item(
        item_id="i", ts=7000, title="Lamp", category=("home", "light"), price=9.5, available=False
    )
    assert isinstance(first, Event)
    assert isinstance(chair, Item)
    assert (chair.item_id, chair.brand) == ("j", "acme")
    assert isinstance(second, Event)
    assert [(row.file, row.line) for row in reading.first_bad] == [("items.csv", 3)]


def test_items_may_be_json_lines(tmp_path: Path) -> None:
    log = _written(tmp_path, _ROWS)
    items = _written(tmp_path, '{"item_id":"i","title":"Lamp","attributes":{"watts":5}}\n{}\n', "items.jsonl")
    reading = Reading()
    first = next(read_log(open_log(log, items=items), reading))
    assert first == Item(item_id="i", ts=1569888000000, title="Lamp", attributes={"watts": 5})


def test_every_bundled_event_is_one_that_the_worker_takes() -> None:
    reading, events = Reading(), 0
    for record in read_log(open_log(REES46, items=ONLINE_RETAIL_ITEMS), reading):
        if isinstance(record, Event):
            assert EVENTS.decode(encode(record), record.user_id.encode(), now=record.ts) == record
            events += 1
    assert (events, reading.rows, reading.bad) == (17434, 17434, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"ts,user,item\n", "holds no usable row"),
        (b"time,user,item\n7,u,i\n", "has no column 'ts'"),
        (b"{}\n", "holds no usable row"),
        (gzip.compress(_ROWS.encode() * 999)[:-20], "cannot be read"),
        (b"\x28\xb5\x2f\xfd nonsense", "cannot be read"),
    ],
)
def test_a_file_that_is_no_log_is_an_error_that_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = _written(tmp_path, content)
    with pytest.raises(UnusableLog, match=reason):
        list(read_log(open_log(path), Reading()))


def test_a_missing_file_is_an_unusable_log(tmp_path: Path) -> None:
    with pytest.raises(UnusableLog, match="No such file"):
        open_log(tmp_path / "none.csv")
