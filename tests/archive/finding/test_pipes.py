"""What comes through a pipe is copied, read whole, and gone in the end."""

import contextlib
import gzip
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from beam_pipelines.archive.finding import pipes
from beam_pipelines.errors import UserError
from tests.helpers.archives import find_files, look_at, read_all

ROWS = b"text,n\n" + b"".join(b"review %d,1\n" % row for row in range(20_000))
READ = """
import sys
from tests.helpers.archives import look_at, read_all
archive = look_at(*sys.argv[1:], input_format="csv")
for block in read_all(archive, ("text",), size=1 << 30, input_format="csv"):
    print(block.files[0].label, block.rows.num_rows, block.row_names[0])
print(archive.files[0].path)
"""


@pytest.mark.parametrize(("given", "content"), [("/dev/stdin", ROWS), ("/dev/stdin", gzip.compress(ROWS)), ("-", ROWS)])
def test_standard_input_is_read_to_its_end_and_removed(given, content):
    done = subprocess.run([sys.executable, "-c", READ, given], input=content, capture_output=True, check=True)
    read, copy = done.stdout.decode().splitlines()
    assert read == "/dev/stdin 20000 stdin:2"
    assert not pathlib.Path(copy).exists()


def test_standard_input_that_is_a_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(ROWS)
    with (tmp_path / "a.csv").open() as file:
        done = subprocess.run([sys.executable, "-c", READ, "/dev/stdin"], stdin=file, capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == [f"{tmp_path}/a.csv 20000 a.csv:2", f"{tmp_path}/a.csv"]


def test_standard_input_that_is_a_deleted_file(tmp_path):
    """As a shell makes of `<<< text`."""
    (tmp_path / "a.csv").write_bytes(ROWS)
    with (tmp_path / "a.csv").open() as file:
        (tmp_path / "a.csv").unlink()
        done = subprocess.run([sys.executable, "-c", READ, "/dev/stdin"], stdin=file, capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[0] == "/dev/stdin 20000 stdin:2"


def test_the_pipes_of_a_shell(tmp_path):
    """`<(command)` is /dev/fd/63."""
    (tmp_path / "a.csv").write_bytes(ROWS)
    command = f"{sys.executable} -c '{READ}' <(cat {tmp_path}/a.csv)"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, text=True)
    path, rows, name = done.stdout.splitlines()[0].split()
    assert (path.startswith("/dev/fd/"), rows, name) == (True, "20000", f"{path.removeprefix('/dev/fd/')}:2")


def test_a_named_pipe(tmp_path, caplog):
    os.mkfifo(tmp_path / "f.csv")
    writer = threading.Thread(target=(tmp_path / "f.csv").write_bytes, args=[ROWS])
    writer.start()
    with caplog.at_level("INFO"):
        archive = look_at(f"{tmp_path}/*.csv")
    writer.join()
    [file] = archive.files
    assert (file.label, file.name, file.modified, file.size_bytes) == (f"{tmp_path}/f.csv", "f.csv", None, len(ROWS))
    assert caplog.messages == [f"{tmp_path}/f.csv is a pipe: copying what comes through it to {file.path}"]
    assert sum(block.rows.num_rows for block in read_all(archive, ("text",), input_format="csv")) == 20_000
    os.remove(file.path)


def test_a_named_pipe_that_no_program_writes_to(tmp_path, monkeypatch):
    monkeypatch.setattr(pipes, "_WRITER_SECONDS", 0.2)
    os.mkfifo(tmp_path / "f.csv")
    (tmp_path / "a.csv").write_bytes(ROWS)
    for glob in ("f.csv", "*.csv"):
        with pytest.raises(UserError, match=r"f\.csv is a pipe, and nothing comes through it: .* in 0\.2 s; start "):
            find_files(tmp_path / glob)


def test_a_program_that_writes_late_is_waited_for(tmp_path, monkeypatch):
    """It has opened the pipe: it may sort all before it writes."""
    monkeypatch.setattr(pipes, "_WRITER_SECONDS", 0.5)
    os.mkfifo(tmp_path / "f.csv")

    def write():
        with (tmp_path / "f.csv").open("wb") as pipe:
            time.sleep(1)
            pipe.write(ROWS)

    writer = threading.Thread(target=write)
    writer.start()
    [file] = find_files(tmp_path / "f.csv")
    writer.join()
    assert file.size_bytes == len(ROWS)
    os.remove(file.path)


def test_a_disk_without_room_is_told(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "f.csv")

    def write():
        with contextlib.suppress(BrokenPipeError):
            (tmp_path / "f.csv").write_bytes(b"text\n")

    writer = threading.Thread(target=write)
    writer.start()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pipes, "_pieces", full)
    with pytest.raises(UserError, match=r"f\.csv is a pipe, and cannot be copied to .*: No space left .*TMPDIR"):
        find_files(tmp_path / "f.csv")
    writer.join()
