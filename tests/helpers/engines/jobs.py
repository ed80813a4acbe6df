"""Runs the two jobs as a user does, each in a process of its own, and reads what they write."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.helpers.engines.processes import ROOT, running

_LONGEST_SECONDS = 300
# What differs from run to run: by which job, when and how long it ran, and where to.
_OF_THE_RUN = {"submitted", "this_run", "settings", "seconds", "seconds_by_stage"}
# What is compiled is compiled once, also for tests that move the home.
_CACHE = os.environ.get("XDG_CACHE_HOME") or str(pathlib.Path("~/.cache").expanduser())
_ENVIRONMENT = {"XDG_CACHE_HOME": _CACHE}


def start(log: pathlib.Path, module: str, *flags: object):
    """Starts a job; see `running`."""
    return running(log, sys.executable, "-m", module, *flags, cwd=ROOT, env=os.environ | _ENVIRONMENT)


def status(log: pathlib.Path, module: str, *flags: object) -> int | None:
    """Runs a job to its end, and returns the status that it ends with; None when it took too long."""
    with start(log, module, *flags) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LONGEST_SECONDS)
        return process.poll()


def run(log: pathlib.Path, module: str, *flags: object) -> None:
    """Runs a job to its end, which must be a good one."""
    ended_with = status(log, module, *flags)
    if ended_with != 0:
        pytest.fail(f"{module} ended with {ended_with}, {log}:\n{log.read_text(errors='replace')[-6000:]}")


def contents(folder: pathlib.Path, *names: str) -> dict[str, bytes]:
    """The bytes of all files below some folders of an output, by their path in it."""
    paths = [path for name in names for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def counts(path: pathlib.Path) -> dict:
    """What a summary or statistics say, but for what differs from run to run."""
    return {name: value for name, value in json.loads(path.read_text()).items() if name not in _OF_THE_RUN}
