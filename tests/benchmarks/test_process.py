import os
import sys

import pytest

from benchmarks import process


def test_a_run_is_measured():
    measured = process.run("this")
    assert 0 < measured.cpu_seconds <= measured.seconds * len(process.cores())
    assert 1 < measured.peak_mb < 10_000


def test_a_failed_run_tells_what_was_printed():
    with pytest.raises(RuntimeError, match=r"-m json.tool --sharp=1 failed:(.|\n)*unrecognized arguments: --sharp=1"):
        process.run("json.tool", sharp=1)


@pytest.mark.skipif(sys.platform != "linux", reason="cores are bound on Linux alone")
def test_a_run_on_one_core_may_use_no_other(tmp_path, monkeypatch):
    (tmp_path / "asked.py").write_text("import os, sys; sys.exit(len(os.sched_getaffinity(0)) != 1)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process.run("asked", on_cores=1)


def test_a_function_runs_in_another_process():
    assert process.call("os", "getpid") != os.getpid()
    with pytest.raises(FileNotFoundError, match="no-such-file"):
        process.call("os", "stat", path="no-such-file")
