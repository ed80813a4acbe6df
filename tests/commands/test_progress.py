"""What is told of a job that goes on."""

import io
import logging
import threading
from typing import NamedTuple

from beam_pipelines.commands import progress
from beam_pipelines.commands.progress import Monitor


class Finished(NamedTuple):
    """What the line needs of an extent that is done."""

    rows: int
    rejected: int
    stored_bytes: int


DONE = Finished(rows=100, rejected=10, stored_bytes=250)


def test_the_line_tells_rows_rate_share_time_left_and_rejects():
    monitor = Monitor(dict, 1000)
    monitor._add([DONE] * 2)
    assert monitor.line(10) == "200 rows done, 20 of them rejected; 20 rows/s, 50% of the archive, 10 s left"


def test_of_a_resumed_job_the_rate_is_that_of_this_run():
    monitor = Monitor(dict, 1000, [DONE] * 3)
    assert monitor.line(10) == "300 rows done, 30 of them rejected; 0 rows/s, 75% of the archive, ? left"
    monitor._add([DONE])
    assert monitor.line(10) == "400 rows done, 40 of them rejected; 10 rows/s, 100% of the archive, 0 s left"


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and when it was written to."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def isatty(self):
        return True

    def write(self, text):
        super().write(text)
        self.written.set()


def test_on_a_terminal_the_line_stays_in_its_place_and_leaves_it_clean():
    terminal = Terminal()
    with Monitor(lambda: {"a": DONE}, 1000, stream=terminal):
        assert terminal.written.wait(10)
    assert terminal.getvalue().startswith("\r\033[K100 rows done, 10 of them rejected; ")
    assert terminal.getvalue().endswith("\r\033[K")
    assert "\n" not in terminal.getvalue()


def test_who_waits_for_long_is_told_where_to_look(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    watch = progress.StallWatch("the logs")
    told = {}
    for minute, has_come in enumerate([False] * 15 + [True] + [False] * 25):
        now[0] = minute * 60.0
        if line := watch.line(has_come):
            told[minute] = line
    sentence = "nothing has been finished for {} min 00 s; look at the logs"
    assert told == {10: sentence.format(10), 25: sentence.format(10), 35: sentence.format(20)}


def test_a_monitor_tells_of_a_job_that_does_not_get_on(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    monkeypatch.setattr(progress, "STALL_SECONDS", 0)
    told = threading.Event()
    monkeypatch.setattr(progress.logger, "warning", lambda *values: told.set())
    with Monitor(dict, 1000, stream=io.StringIO(), where_to_look="the logs"):
        assert told.wait(10)


def test_in_a_log_a_line_comes_now_and_then(caplog, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    told = threading.Event()

    class Told(logging.Handler):
        def emit(self, record):
            told.set()

    handler = Told()
    progress.logger.addHandler(handler)
    with caplog.at_level(logging.INFO), Monitor(lambda: {"a": DONE}, 1000, stream=io.StringIO()):
        assert told.wait(10)
    progress.logger.removeHandler(handler)
    assert "100 rows done, 10 of them rejected" in caplog.messages[0]
