"""A file that is not the one that was listed is refused by its name."""

import dataclasses
import os
import re

import pytest

from beam_pipelines.archive.finding import unchanged
from beam_pipelines.errors import UserError
from tests.helpers.archives import find_files, found_file, zipped


def files_of(path, content: bytes = b"text\na\n"):
    """As it was found, and as it was looked at."""
    return [found_file(path, content), find_files(path)[0]]


def test_one_that_is_as_it_was_passes(tmp_path):
    for file in files_of(tmp_path / "a.csv"):
        unchanged.check(file)


@pytest.mark.parametrize("is_looked_at", [False, True])
def test_one_that_was_written_since_is_refused(tmp_path, is_looked_at):
    file = files_of(tmp_path / "a.csv")[is_looked_at]
    sentence = rf"^{re.escape(file.path)} has changed since the job began; begin anew with --overwrite$"
    (tmp_path / "a.csv").write_bytes(b"text\na\nb\n")
    os.utime(file.path, (file.modified, file.modified))
    with pytest.raises(UserError, match=f"(?m){sentence}"):
        unchanged.check(file)
    (tmp_path / "a.csv").write_bytes(b"text\nb\n")
    os.utime(file.path, (file.modified + 1, file.modified + 1))
    with pytest.raises(UserError, match=f"(?m){sentence}"):
        unchanged.check(file)


@pytest.mark.parametrize("is_looked_at", [False, True])
def test_one_that_is_gone_is_refused(tmp_path, is_looked_at):
    file = files_of(tmp_path / "a.csv")[is_looked_at]
    (tmp_path / "a.csv").unlink()
    with pytest.raises(UserError, match=rf"(?m)^{re.escape(file.path)} is gone since the job began$"):
        unchanged.check(file)


def test_a_member_is_checked_by_the_time_of_its_zip(tmp_path):
    _, member = files_of(tmp_path / "a.zip", zipped({"a.csv": b"text\na\n"}))
    unchanged.check(member)
    os.utime(member.path, (member.modified + 1, member.modified + 1))
    with pytest.raises(UserError, match=r"a\.zip:a\.csv has changed since the job began"):
        unchanged.check(member)


def test_the_copy_of_a_pipe_has_no_time_of_its_own(tmp_path):
    for file in files_of(tmp_path / "copy.csv"):
        piped = dataclasses.replace(file, pipe="/dev/stdin", modified=None)
        unchanged.check(piped)
        with pytest.raises(UserError, match=r"^/dev/stdin has changed"):
            unchanged.check(dataclasses.replace(piped, size_bytes=piped.size_bytes + 1))
