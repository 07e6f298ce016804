"""The record: what the lines of the log tell, counted; and in the midst of what each is written."""

import json
import os
import threading

import pytest

from antiphon.conversation.states import State
from antiphon.runtime.log import LONGEST_FIELD, JsonLog
from antiphon.runtime.record import MOST_TROUBLES, Record
from antiphon.snapshot import Snapshot


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def into(tmp_path):
    fd = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    yield fd
    os.close(fd)


@pytest.fixture
def record(into):
    return Record(JsonLog(into), Clock())


def written(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


def seen(state, **more):
    return Snapshot(state, 1.0, "open", deaf=False, via="realtime", **more)


def grown(record):
    return {name: count for name, count in record.counters.items() if count}


def test_every_line_goes_on_and_says_in_the_midst_of_what(record, tmp_path):
    record.write("info", "starting", pid=7)
    record.see(seen(State.LISTENING, call=3))
    record.write("debug", "unseen")
    record.write("info", "woke", word="hey")
    record.see(seen(State.ASLEEP))
    record.write("info", "call-over", call=3)
    starting, woke, over = written(tmp_path)
    assert (starting["what"], starting["pid"], starting["during"]) == ("starting", 7, {"state": "starting"})
    assert woke["during"] == {"state": "listening", "link": "realtime", "call": 3}
    assert (over["call"], over["during"]) == (3, {"state": "asleep", "link": "realtime"})


def test_what_happens_is_counted(record):
    assert grown(record) == {}
    turn = ("woke", "turn-over", "sounded", "hushed", "link-opened", "link-closed", "link-given-up", "link-slow")
    for what in turn:
        record.write("info", what)
    record.write("info", "opening", after="thinking")
    record.write("info", "opening", after="asleep")
    record.write("warning", "lost", overflows=2, own_words=1)
    record.write("warning", "lost", overflows=3)
    assert grown(record) == {
        "wakes": 1,
        "turns": 1,
        "replies": 1,
        "interruptions": 1,
        "calls_opened": 1,
        "calls_lost": 3,
        "handed_over": 1,
        "overflows": 5,
        "own_words": 1,
    }


def test_sound_that_came_back_is_told_from_a_mute(record):
    record.see(seen(State.DEAF))
    record.write("info", "ear-closed")
    record.see(seen(State.ASLEEP))
    record.write("info", "ear-opened")
    assert grown(record) == {}
    record.write("info", "ear-closed")
    record.write("warning", "problem", fault="device", sentence="It is gone")
    record.write("debug", "ear-closed")
    record.write("debug", "problem", fault="device", sentence="It is gone")
    record.write("info", "ear-opened")
    record.write("warning", "problem", fault="lost", sentence="The network is gone")
    record.write("info", "mouth-opened")
    assert grown(record) == {"device_failures": 1, "sound_restarts": 2}


def test_troubles_are_kept_with_how_often_they_were_told(record):
    record.write("info", "woke")
    record.write("warning", "problem", fault="lost", sentence="The network is gone")
    record.write("warning", "lost", overflows=2)
    record._clock.now_s = 150.0
    record.write("warning", "problem", fault="lost", sentence="The network is gone")
    record.write("warning", "lost", silent_losses=1)
    record.write("error", "zombie", sentence="It hangs")
    hung, lost, gone = record.troubles
    assert (hung.level, hung.what, hung.words, hung.times) == ("error", "zombie", "It hangs", 1)
    assert (lost.what, lost.words, lost.times) == ("lost", "silent losses 1", 2), "figures are those of the last"
    assert (gone.words, gone.times, gone.last_s) == ("The network is gone", 2, 150.0)


def test_only_the_last_troubles_are_kept(record):
    for number in range(3 * MOST_TROUBLES):
        record.write("error", "problem", sentence=f"problem {number}")
    assert [trouble.words for trouble in record.troubles] == [
        f"problem {number}" for number in range(3 * MOST_TROUBLES - 1, 2 * MOST_TROUBLES - 1, -1)
    ]


def test_what_a_service_says_at_length_is_not_kept_at_length(record):
    for number in range(MOST_TROUBLES):
        record.write("warning", "link-closed", sentence=f"{number} {'x' * 1_000_000}")
        record.write("warning", f"strange-{number}", value="x" * 1_000_000)
    assert len(record.troubles) == MOST_TROUBLES
    assert max(len(trouble.words) for trouble in record.troubles) == LONGEST_FIELD


def test_lines_of_many_threads_are_all_counted(record):
    threads = [threading.Thread(target=lambda: [record.write("info", "woke") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert grown(record) == {"wakes": 1600}


def test_lines_that_nobody_took_are_counted(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    record = Record(JsonLog(writer))
    record.write("info", "woke")
    os.close(writer)
    assert record.counters["log_lines_dropped"] == 1
