"""A command ends with a status, and with one sentence where a person can mend something."""

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings

import pytest

from beam_pipelines.commands import entry
from beam_pipelines.errors import UserError


def raises(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("main", "status", "message"),
    [
        (lambda: 0, 0, ""),
        (lambda: 4, 4, ""),
        (raises(UserError("--input b matches no file")), 2, "error: --input b matches no file\n"),
        (raises(UserError("too many were rejected", status=3)), 3, "error: too many were rejected\n"),
        (raises(KeyboardInterrupt), 130, "interrupted\n"),
        (raises(PermissionError(13, "Permission denied", "/x")), 1, "error: [Errno 13] Permission denied: '/x'\n"),
    ],
)
def test_a_command_ends_with_a_status_and_one_sentence(monkeypatch, capsys, main, status, message):
    monkeypatch.setattr(entry, "logger", logging.Logger("of this test"))
    with pytest.raises(SystemExit, match=f"^{status}$"):
        entry.run_command(main)
    assert capsys.readouterr().err == message


def test_an_interrupted_command_tells_how_to_go_on(capsys):
    with pytest.raises(SystemExit, match="^130$"):
        entry.run_command(raises(KeyboardInterrupt), after_interruption="the same command goes on")
    assert capsys.readouterr().err == "interrupted; the same command goes on\n"


# It copies what comes through a pipe, and holds the lock of a folder.
COPYING = """
import sys
from beam_pipelines.archive.finding import pipes
from beam_pipelines.commands import entry, job_lock

def main():
    with job_lock.only_job(sys.argv[1]):
        pipes.spool("/dev/stdin")

entry.run_command(main, after_interruption="the same command goes on")
"""


@pytest.mark.parametrize("times", [1, 2])
def test_a_terminated_command_cleans_up_and_tells_how_to_go_on(tmp_path, times):
    """As `timeout` ends one, which sends the signal twice."""
    (copies := tmp_path / "copies").mkdir()
    command = [sys.executable, "-c", COPYING, str(tmp_path / "out")]
    environment = {**os.environ, "TMPDIR": str(copies)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert b"/dev/stdin is a pipe: copying" in process.stderr.readline()
        assert len(list(copies.iterdir())) == 1
        for _ in range(times):
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
        assert process.stderr.read().splitlines()[-1] == b"terminated; the same command goes on"
    assert list(tmp_path.rglob("*")) == [copies]


def test_the_handler_of_sigterm_is_left_as_it_was_found():
    """Another thread can set none, and a program around a command keeps its own."""
    seen = []

    def main():
        seen.append(signal.getsignal(signal.SIGTERM))
        return 0

    def run():
        with pytest.raises(SystemExit, match="^0$"):
            entry.run_command(main)

    def own(*_):
        pass

    before = signal.getsignal(signal.SIGTERM)
    try:
        for found in (signal.SIG_DFL, signal.SIG_IGN, own):
            signal.signal(signal.SIGTERM, found)
            run()
            assert signal.getsignal(signal.SIGTERM) is found
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        (thread := threading.Thread(target=run)).start()
        thread.join()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen[0] not in (signal.SIG_DFL, None)
    assert seen[1:] == [signal.SIG_IGN, own, signal.SIG_DFL]


@pytest.mark.parametrize("ending", [lambda: 0, raises(UserError("no")), raises(KeyboardInterrupt), raises(ValueError)])
def test_logging_is_left_as_it_was_found(caplog, ending):
    """In a notebook, other work goes on after a command."""
    names = (None, "apache_beam", "google.auth", "review_scorer", *entry.JOB_SERVERS)

    def state():
        loggers = [logging.getLogger(name) for name in names]
        found = [(log.level, log.propagate, [*log.handlers], [*log.filters]) for log in loggers]
        return found, warnings.filters[:], gc.isenabled()

    before = state()
    with pytest.raises((SystemExit, ValueError)):
        entry.run_command(ending)
    assert state() == before
    logging.getLogger().warning("of the notebook")
    logging.getLogger("apache_beam").warning("of its pipeline")
    assert caplog.messages == ["of the notebook", "of its pipeline"]


def test_each_of_several_commands_prints_its_lines_once(capsys):
    def main():
        entry.logger.info("scoring")
        logging.getLogger().error("of a library")
        logging.getLogger("apache_beam.io").error("of Beam")
        logging.getLogger("PrismJobServer").error("of a job server")
        logging.log(logging.ERROR, "by the root logger, which makes itself a handler where it has none")
        return 0

    for _ in range(3):
        with pytest.raises(SystemExit, match="^0$"):
            entry.run_command(main)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[1:] for line in lines] == [["scoring"]] * 3


def test_a_command_keeps_the_traceback_of_a_bug(monkeypatch):
    monkeypatch.setattr(entry, "logger", logging.Logger("of this test"))
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        entry.run_command(lambda: 1 / 0)
