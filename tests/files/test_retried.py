"""A disk that fails for a moment costs nothing but a moment."""

import errno
import io

import pytest

from beam_pipelines.files import retried, storage


class Failing(io.FileIO):
    """A file whose reads fail now and then, over all of its openings."""

    failures: list[OSError]

    def readinto(self, buffer):
        if self.tell() and Failing.failures:
            raise Failing.failures.pop()
        return super().readinto(memoryview(buffer)[:10])


@pytest.fixture
def failing(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)))
    monkeypatch.setattr(retried, "open", lambda path, mode, buffering: Failing(path), raising=False)
    monkeypatch.setattr(retried, "_PAUSES_SECONDS", (0, 0, 0))
    return path


def test_an_error_of_a_disk_is_tried_again_from_where_it_was(failing):
    Failing.failures = [OSError(errno.EIO, "Input/output error") for _ in range(3)]
    with storage.open_bytes(str(failing)) as file:
        assert file.read() == bytes(range(256))
    assert Failing.failures == []


def test_an_error_that_stays_is_raised(failing):
    Failing.failures = [OSError(errno.EIO, "Input/output error") for _ in range(100)]
    with storage.open_bytes(str(failing)) as file, pytest.raises(OSError, match="Input/output error"):
        file.read()


def test_an_error_that_a_person_has_to_mend_is_raised_at_once(failing):
    Failing.failures = [OSError(errno.EACCES, "Permission denied")]
    with storage.open_bytes(str(failing)) as file, pytest.raises(OSError, match="Permission denied"):
        file.read()
    assert Failing.failures == []


def test_a_file_can_be_read_in_any_order(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"0123456789")
    with storage.open_bytes(str(path)) as file:
        assert file.read(3) == b"012"
        assert file.seek(8) == 8
        assert (file.read(), file.tell()) == (b"89", 10)
        file.seek(-4, io.SEEK_END)
        assert file.peek(1)[:1] == b"6"
