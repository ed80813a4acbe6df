"""What a command prints changes nothing of how it ends, whoever reads it."""

import os
import shlex
import subprocess
import sys

import pytest

# It prints more than a pipe holds, and ends with a status of its own.
PROGRAM = r"""
import logging, sys
from beam_pipelines.commands import entry
from beam_pipelines.errors import UserError, logger

def main():
    logger.info("caf\xe9 %s", "\udce9")
    print("\xdcn\xefcode \u4e16\u754c \udce9")
    for _ in range(int(sys.argv[1])):
        print("x" * 99)
    if sys.argv[2] == "error":
        raise UserError("too few: \u4e16\u754c", status=3)
    return int(sys.argv[2])

entry.run_command(main)
"""
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def run(lines: int, ending: str, redirection: str = "", **environment: str) -> subprocess.CompletedProcess:
    """Runs the program in a shell, which redirects its streams."""
    command = shlex.join([sys.executable, "-c", PROGRAM, str(lines), ending])
    return subprocess.run(
        ["bash", "-c", f"{command} {redirection}"], env={**os.environ, **environment}, capture_output=True
    )


@pytest.mark.parametrize("environment", [{}, C_LOCALE, {"PYTHONIOENCODING": "ascii"}, {"PYTHONUNBUFFERED": "1"}])
@pytest.mark.parametrize(("ending", "status"), [("0", 0), ("error", 3)])
@pytest.mark.parametrize(
    "redirection", ["", "2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full", "> >(exec <&-)"]
)
def test_the_status_is_the_command_s_own(environment, ending, status, redirection):
    assert run(2_000, ending, redirection, **environment).returncode == status


@pytest.mark.parametrize(("ending", "status"), [("0", 0), ("error", 3)])
def test_a_reader_may_go_away(ending, status):
    done = run(10_000, ending, '| head -n 2; exit "${PIPESTATUS[0]}"')
    assert done.returncode == status
    assert done.stdout == "Ünïcode 世界 \\udce9\n".encode() + b"x" * 99 + b"\n"


@pytest.mark.parametrize("environment", [C_LOCALE, {"PYTHONIOENCODING": "ascii"}])
def test_what_the_terminal_lacks_is_spelt_out(environment):
    done = run(0, "error", **environment)
    assert done.stdout == b"\\xdcn\\xefcode \\u4e16\\u754c \\udce9\n"
    assert done.stderr.splitlines()[1:] == [b"error: too few: \\u4e16\\u754c"]
    assert done.stderr.splitlines()[0].endswith(b"caf\\xe9 \\udce9")
