"""A second job in the same folder is refused, whatever the file system; one that was killed is in nobody's way."""

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from beam_pipelines import preprocess, score
from beam_pipelines.commands import job_lock
from beam_pipelines.errors import UserError
from beam_pipelines.files import attempts, leases, storage
from trainer import output_copies, task

HOLD = """
import sys
from beam_pipelines.commands import job_lock
from beam_pipelines.files import storage
with job_lock.only_job(sys.argv[1]):
    storage.write_bytes(storage.temporary_folder(sys.argv[1]), "counts/1", b"counted")
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def other_job(root: str) -> Iterator[subprocess.Popen]:
    """A job in another process that holds a folder until the end of its standard input."""
    command = [sys.executable, "-c", HOLD, root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process


@pytest.fixture
def root(tmp_path) -> str:
    return str(tmp_path / "job")


@pytest.fixture
def no_locks(monkeypatch):
    """A file system without locks, as some networks have."""

    def refuse(descriptor, operation):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)


def write_lease(root: str, *, host: str = "elsewhere", process: int = 7, age: float = 0) -> pathlib.Path:
    """Writes the lease of another attempt, and a temporary file of it."""
    lease = {"host": host, "process": process, "started": "2026-11-28 09:00:00 UTC"}
    storage.write_json(root, ".tmp/other.lease", lease)
    storage.write_bytes(root, ".tmp/other/counts", b"counted")
    if storage.is_local(root):
        os.utime(f"{root}/.tmp/other.lease", (time.time() - age,) * 2)
    return pathlib.Path(root)


def enter(root: str) -> None:
    with job_lock.only_job(root):
        pass


def ended_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_second_job_is_refused_and_disturbs_nothing(root):
    with other_job(root) as process:
        before = storage.listing(root)
        who = f"a job that runs on {socket.gethostname()} as process {process.pid} since 20"
        with pytest.raises(UserError, match=f"^{root} is in use by {who}.*; wait for its end, or"):
            enter(root)
        assert storage.listing(root) == before
        assert any(name.endswith("/counts/1") for name in before)
        process.communicate()
    assert process.returncode == 0
    assert list(pathlib.Path(root).parent.iterdir()) == []
    enter(root)


def test_a_job_that_was_killed_frees_the_folder_at_once(root):
    with other_job(root) as process:
        process.kill()
        process.wait()
        with job_lock.only_job(root):
            leases.clear_temporary(root)
            assert storage.listing(root) == [f".tmp/{attempts.name()}.lease"]
    assert storage.listing(root) == []


def test_the_folder_is_free_again_after_a_failure(root):
    def fail():
        with job_lock.only_job(root):
            storage.write_bytes(root, "scores/a", b"")
            storage.write_bytes(storage.temporary_folder(root), "counts/1", b"counted")
            raise UserError("it failed")

    for _ in range(2):
        with pytest.raises(UserError, match="^it failed"):
            fail()
    assert storage.listing(root) == ["scores/a"]
    assert not storage.exists(f"{root}/.tmp")


def test_without_locks_a_lease_keeps_a_second_job_out(root, no_locks):
    write_lease(root)
    who = "a job that runs on elsewhere as process 7 since 2026-11-28 09:00:00 UTC"
    with pytest.raises(
        UserError, match=f"in use by {who}; wait for its end, .*; if it was killed, try again in 5 minutes"
    ):
        enter(root)
    assert storage.listing(root) == [".tmp/other.lease", ".tmp/other/counts"]


@pytest.mark.parametrize(
    "lease",
    [
        lambda: {"age": attempts.LEASE_SECONDS + 5},
        lambda: {"host": socket.gethostname(), "process": ended_process()},
        # Of the container that this one replaces.
        lambda: {"host": socket.gethostname(), "process": os.getpid()},
    ],
    ids=["stale", "of an ended process", "of the same number"],
)
def test_a_lease_that_does_not_count_keeps_nobody_out(root, no_locks, lease):
    write_lease(root, **lease())
    with job_lock.only_job(root):
        leases.clear_temporary(root)
        assert storage.listing(root) == [f".tmp/{attempts.name()}.lease"]


def test_a_lease_of_a_process_that_runs_here_counts(root, no_locks):
    write_lease(root, host=socket.gethostname(), process=os.getppid())
    with pytest.raises(UserError, match="is in use by a job"):
        enter(root)


def test_where_there_are_locks_they_decide(root):
    """A job that was killed on another machine keeps nobody out, but what it may still hold stays."""
    write_lease(root)
    with job_lock.only_job(root):
        leases.clear_temporary(root)
    assert storage.listing(root) == [".tmp/other.lease", ".tmp/other/counts"]


def test_a_folder_without_locks_can_be_written_to(root, no_locks):
    with job_lock.only_job(root):
        storage.write_bytes(root, "scores/a", b"")
    assert storage.listing(root) == ["scores/a"]


def test_another_one_s_broken_lease_counts_for_nothing(root, no_locks):
    for name, text in {"a": "", "b": "[]", "c": '{"other": 1}'}.items():
        storage.write_bytes(root, f".tmp/{name}.lease", text.encode())
    enter(root)
    assert storage.listing(root) == []


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_lease_on_an_object_store(new_bucket, scheme):
    root = new_bucket(scheme) + "/job"
    with job_lock.only_job(root):
        assert storage.listing(root) == [f".tmp/{attempts.name()}.lease"]
        lease = storage.read_json(f"{root}/.tmp/{attempts.name()}.lease")
        assert (lease["host"], lease["process"]) == (socket.gethostname(), os.getpid())
    assert storage.listing(root) == []
    write_lease(root)
    with pytest.raises(UserError, match="is in use by a job that runs on elsewhere as process 7"):
        enter(root)
    leases.clear_temporary(root)
    assert storage.listing(root) == [".tmp/other.lease", ".tmp/other/counts"]


def test_a_lease_is_renewed(root, monkeypatch):
    monkeypatch.setattr(attempts, "RENEWAL_SECONDS", 0.01)
    with job_lock.only_job(root):
        path = pathlib.Path(root, ".tmp", f"{attempts.name()}.lease")
        os.utime(path, (0, 0))
        until = time.monotonic() + 20
        while path.stat().st_mtime == 0:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert json.loads(path.read_text())["process"] == os.getpid()
    assert storage.listing(root) == []


def test_a_run_that_vertex_restarts_waits_for_a_lease_to_end(root, no_locks, monkeypatch, caplog):
    assert output_copies.patience() == 0
    monkeypatch.setenv("AIP_MODEL_DIR", "gs://models")
    assert output_copies.patience() > attempts.LEASE_SECONDS
    monkeypatch.setattr(job_lock, "_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(attempts, "RENEWAL_SECONDS", 0.05)
    write_lease(root, age=attempts.LEASE_SECONDS - 1)
    caplog.set_level("INFO", "review_scorer")
    with job_lock.only_job(root, patience=20):
        assert caplog.text.count("is in use by a job that runs on elsewhere") == 1


@pytest.mark.parametrize("inside", ["", "/deeper"])
def test_a_folder_that_cannot_be_written_to_is_refused(inside):
    root = f"/sys/kernel{inside}"
    with pytest.raises(UserError, match=f"(?m)^{root} cannot be written to: .*; choose another folder$"):
        enter(root)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "job").write_text("mine")
    with pytest.raises(UserError, match=f"(?m)^{tmp_path}/job is a file; name a folder$"):
        enter(f"{tmp_path}/job")


def test_every_command_holds_its_folder(archive, prepared, cnn, root):
    columns = [f"--input={archive}", "--text_column=text", f"--output={root}"]
    with job_lock.only_job(root):
        with pytest.raises(UserError, match=f"{root} is in use by another job"):
            preprocess.main([*columns, "--score_column=score"])
        with pytest.raises(UserError, match=f"{root} is in use by another job"):
            score.main([*columns, f"--model={cnn}", "--resume"])
        with pytest.raises(UserError, match=f"{root} is in use by another job"):
            task.main([f"--data={prepared}", f"--output={root}"])
