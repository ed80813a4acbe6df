"""A command ends with a status, and with one sentence where a person can mend something."""

import logging

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
        (raises(PermissionError(13, "Permission denied", "/x")), "error: .*", ""),
    ],
)
def test_a_command_ends_with_a_status_and_one_sentence(monkeypatch, capsys, main, status, message):
    monkeypatch.setattr(entry, "logger", logging.Logger("of this test"))
    with pytest.raises(SystemExit, match=f"^{status}$"):
        entry.run_command(main)
    assert capsys.readouterr().err == message


def test_a_command_keeps_the_traceback_of_a_bug(monkeypatch):
    monkeypatch.setattr(entry, "logger", logging.Logger("of this test"))
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        entry.run_command(lambda: 1 / 0)
