"""The files of an archive are found before any work, and what is left out is told."""

import gzip
import io
import os
import pathlib
import re
import socket
import tempfile
import zipfile

import pytest

from beam_pipelines.archive.finding import found_files
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from tests.helpers.archives import find_files, parquet

CONTENTS = {".gz": gzip.compress(b'{"text": "a"}\n', mtime=0), ".pq": parquet({"text": ["a"]})}


def write(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENTS.get(pathlib.Path(name).suffix, b"text\na\n"))


def error(sentence: str):
    """Expects a UserError that is this whole sentence."""
    return pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$")


def test_several_globs_give_each_file_once_in_one_order(tmp_path):
    """The place of a file names its shards, so it must not depend on the order of the flags."""
    write(tmp_path, "b.csv", "a.csv", "c.jsonl.gz", "deep/d.pq", "deep/notes.txt")
    globs = [f"{tmp_path}/*.jsonl.gz", f"{tmp_path}/*.csv", f"{tmp_path}/a.*", f"{tmp_path}/b.csv", f"{tmp_path}/**.pq"]
    files = find_files(*globs)
    assert [(file.index, file.path, file.format, file.compression, file.size_bytes) for file in files] == [
        (0, f"{tmp_path}/a.csv", "csv", None, 7),
        (1, f"{tmp_path}/b.csv", "csv", None, 7),
        (2, f"{tmp_path}/c.jsonl.gz", "jsonl", "gzip", len(CONTENTS[".gz"])),
        (3, f"{tmp_path}/deep/d.pq", "parquet", None, len(CONTENTS[".pq"])),
    ]
    assert [file.name for file in files] == ["a.csv", "b.csv", "c.jsonl.gz", "deep/d.pq"]
    assert [file.modified for file in files] == [(tmp_path / file.name).stat().st_mtime for file in files]
    assert find_files(*reversed(globs)) == files


@pytest.mark.parametrize("glob", ["*.csv", "./a.csv", "?.csv", "a[.]csv"])
def test_a_path_is_made_absolute(tmp_path, monkeypatch, glob):
    """A worker may start in another folder."""
    write(tmp_path, "a.csv")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in find_files(glob)] == [f"{tmp_path}/a.csv"]


def test_a_name_with_brackets_is_found_by_itself(tmp_path):
    write(tmp_path, "reviews[1].csv", "reviews1.csv")
    assert [file.name for file in find_files(f"{tmp_path}/reviews[1].csv")] == ["reviews[1].csv"]


def test_input_format_wins_over_the_name(tmp_path):
    write(tmp_path, "a.txt", "b.csv", "c.dump.gz")
    files = find_files(f"{tmp_path}/*", input_format="tsv")
    assert [(file.format, file.compression) for file in files] == [("tsv", None), ("tsv", None), ("tsv", "gzip")]


def test_a_glob_that_matches_nothing(tmp_path):
    """Else a mistyped name among several would leave its rows out, and nobody told."""
    write(tmp_path, "a.csv")
    with error(f"--input {tmp_path}/b*.csv matches no file"):
        find_files(f"{tmp_path}/*.csv", f"{tmp_path}/b*.csv")


def test_files_of_equal_names_in_two_folders_have_two_names(tmp_path):
    write(tmp_path, "a/part.csv", "b/part.csv")
    assert [file.name for file in find_files(f"{tmp_path}/a/part.csv")] == ["part.csv"]
    assert [file.name for file in find_files(f"{tmp_path}/*/part.csv")] == ["a/part.csv", "b/part.csv"]


def names(*globs: object, **settings) -> list[str]:
    return [file.name for file in find_files(*globs, **settings)]


@pytest.mark.parametrize("end", ["", "/"])
def test_a_folder_gives_the_files_below_it(tmp_path, end, caplog):
    write(tmp_path, "dump/a.csv", "dump/b/c.csv", "dump/notes.txt", "dump/.git/d.csv", "dump/b/_SUCCESS")
    assert names(f"{tmp_path}/dump{end}") == ["a.csv", "b/c.csv"]
    assert caplog.messages == [
        f"{tmp_path}/dump{end}: not read, since the name tells no format that is read: notes.txt",
        "left out, since they hold no rows: 1 files (_SUCCESS)",
    ]
    assert names(f"{tmp_path}/dump", input_format="csv") == ["a.csv", "b/c.csv", "notes.txt"]


def test_a_folder_whose_name_is_a_glob(tmp_path):
    write(tmp_path, "dump [1]*/a.csv", "dump 1/b.csv")
    assert names(tmp_path / "dump [1]*") == ["a.csv"]


def test_a_folder_without_files_of_rows(tmp_path):
    write(tmp_path, "dump/notes.txt")
    (tmp_path / "empty").mkdir()
    with error(
        f"--input {tmp_path}/dump is a folder without a file whose name tells its format; add --input_format csv, tsv, "
        "jsonl or parquet"
    ):
        find_files(tmp_path / "dump")
    with error(f"--input {tmp_path}/empty is a folder without a file"):
        find_files(tmp_path / "empty")


def test_a_folder_that_a_glob_matches_is_not_passed_over(tmp_path, caplog):
    """Spark names the folder of its parts as one would name a file."""
    write(tmp_path, "dump/more.csv", "dump/reviews.csv/part-0.csv")
    sentence = (
        f"{tmp_path}/dump/reviews.csv is a folder, and its files are left out by --input {tmp_path}/dump/{{glob}}; add "
        f"--input {tmp_path}/dump/reviews.csv to read them"
    )
    for glob in ("*.csv", "r*"):
        with error(sentence.format(glob=glob)):
            find_files(f"{tmp_path}/dump/{glob}")
    both = ["more.csv", "reviews.csv/part-0.csv"]
    assert names(f"{tmp_path}/dump/*.csv", f"{tmp_path}/dump/reviews.csv") == both
    assert names(f"{tmp_path}/dump/**.csv") == both
    assert not caplog.messages


def test_another_folder_that_a_glob_matches_is_told(tmp_path, caplog):
    write(tmp_path, "a.csv", "old/b.csv", ".cache/c.csv")
    (tmp_path / "empty").mkdir()
    assert names(f"{tmp_path}/*") == ["a.csv"]
    assert caplog.messages == [f"{tmp_path}/old is a folder, and its files are left out by --input {tmp_path}/*"]
    with error(
        f"{tmp_path}/old is a folder, and its files are left out by --input {tmp_path}/o*; add --input "
        f"{tmp_path}/old to read them"
    ):
        find_files(f"{tmp_path}/o*")


def test_names_with_a_leading_dot_and_what_writers_leave_beside_their_parts(tmp_path, caplog):
    markers = ["_SUCCESS", "_committed_17", "_started_17", "_metadata", "_common_metadata", "_delta_log/0.json"]
    write(tmp_path, "part-0.jsonl.gz", ".part-0.jsonl.gz.crc", "._SUCCESS.crc", "_reviews.jsonl.gz", *markers)
    expected = ["_reviews.jsonl.gz", "part-0.jsonl.gz"]
    assert names(f"{tmp_path}/**", input_format="jsonl") == names(tmp_path, input_format="jsonl") == expected
    told = (
        "left out, since they hold no rows: 6 files (0.json, _SUCCESS, _committed_17, _common_metadata, _metadata and "
        "1 more)"
    )
    assert caplog.messages == [told, told]
    with pytest.raises(UserError, match=r"\._SUCCESS\.crc: the name does not tell the format"):
        find_files(f"{tmp_path}/.*")


def test_folders_that_writers_leave_beside_their_parts_are_counted_once(tmp_path, caplog):
    write(tmp_path, "a.csv", "_SUCCESS", "_delta_log/0.json", "_temporary/0/part-0.csv", "_spark_metadata/0")
    assert names(f"{tmp_path}/*") == ["a.csv"]
    names_of_all = "_SUCCESS, _delta_log, _spark_metadata, _temporary"
    assert caplog.messages == [f"left out, since they hold no rows: 4 files and folders ({names_of_all})"]
    for glob in ("_S*", "_delta*"):
        with pytest.raises(UserError, match=r"(?m)--input matches nothing but what holds no rows: [_\w]+$"):
            find_files(f"{tmp_path}/{glob}")


@pytest.mark.parametrize("glob", ["*.csv", "gone.csv", "**", ""])
def test_a_link_to_nothing_is_told(tmp_path, glob):
    """As in a cache whose blob is gone: its rows would be missing."""
    write(tmp_path, "a.csv")
    (tmp_path / "gone.csv").symlink_to("../real/gone.csv")
    with error(f"{tmp_path}/gone.csv is a link to ../real/gone.csv, which does not exist"):
        find_files(tmp_path / glob)


def test_linked_folders_are_followed_each_once(tmp_path):
    write(tmp_path, "in/a/b.csv", "elsewhere/c.csv")
    for link, target in {"in/0": "a", "in/loop": ".", "in/a/up": "..", "in/far": "../elsewhere", "in/x": "far"}.items():
        (tmp_path / link).symlink_to(target)
    assert names(f"{tmp_path}/in/**.csv") == names(f"{tmp_path}/in") == ["a/b.csv", "far/c.csv"]
    assert names(f"{tmp_path}/in/far/*") == ["c.csv"]


@pytest.fixture
def as_nobody():
    """A folder that everyone can enter, without the rights of root, whom no permission stops."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        yield pathlib.Path(folder)
        if is_root:
            os.seteuid(0)


def test_what_may_not_be_read_is_told(as_nobody, caplog):
    write(as_nobody, "a.csv", "secret/b.csv")
    os.chmod(as_nobody / "secret", 0)
    assert names(f"{as_nobody}/**") == ["a.csv"]
    assert caplog.messages == [f"{as_nobody}/secret cannot be read: Permission denied: its files are left out"]
    os.chmod(as_nobody / "a.csv", 0)
    with error(f"{as_nobody}/a.csv cannot be read: Permission denied"):
        find_files(as_nobody / "a.csv")


def test_devices_and_sockets_are_refused_at_once(tmp_path):
    told = "; --input takes files, and pipes such as `zcat a.gz | ...`"
    with error(f"/dev/null is a device{told}"):
        find_files("/dev/null", input_format="csv")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{tmp_path}/s.csv")
        with error(f"{tmp_path}/s.csv is a socket{told}"):
            find_files(f"{tmp_path}/*.csv")


def test_the_members_of_several_inputs_are_read_together():
    found = found_files._Found()
    for members in [("a*",), ("b",), ("a*",)]:
        found.add(found_files.FoundFile("/in/a.zip", 1, members=members))
    assert found.files["/in/a.zip"].members == ("a*", "b")
    found.add(found_files.FoundFile("/in/a.zip", 1))
    found.add(found_files.FoundFile("/in/a.zip", 1, members=("b",)))
    assert found.files["/in/a.zip"].members == ()


def test_a_file_whose_name_holds_a_colon(tmp_path):
    write(tmp_path, "a.zip:b.csv", "12:30.csv")
    assert names(tmp_path / "a.zip:b.csv") == ["a.zip:b.csv"]
    assert names(f"{tmp_path}/12:*") == ["12:30.csv"]
    with error(f"{tmp_path}/12:30.csv is no .zip or .tar, so it has no member b.csv"):
        find_files(tmp_path / "12:30.csv:b.csv")
    with error(f"--input {tmp_path}/b.zip:b.csv matches no file"):
        find_files(tmp_path / "b.zip:b.csv")


def test_a_name_that_is_not_utf8(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    with open(path, "wb") as file:
        file.write(b"text\na\n")
    [found] = find_files(f"{tmp_path}/*")
    assert (os.fsencode(found.path), found.label, found.name) == (path, f"{tmp_path}/caf\\xe9.csv", "caf\\xe9.csv")


def test_an_object_store_has_the_same_rules(bucket, caplog):
    members = io.BytesIO()
    with zipfile.ZipFile(members, "w") as archive:
        archive.writestr("train.csv", "text\na\n")
        archive.writestr("test.csv", "body\na\n")
    beside = ["in/reviews.csv/.a.csv.crc", "in/reviews.csv/_SUCCESS", "in/.b/c.csv", "in/notes.txt"]
    for name in ["in/reviews.csv/a.csv", "in/more.csv", "in/stars=5/d.csv", *beside]:
        storage.write_bytes(bucket, name, b"text\na\n")
    storage.write_bytes(bucket, "zipped/a.zip", members.getvalue())
    for folder in (f"{bucket}/in", f"{bucket}/in/"):
        assert names(folder) == ["more.csv", "reviews.csv/a.csv", "stars=5/d.csv"]
        assert [record.message for record in caplog.records if record.name == logger.name] == [
            f"{folder}: not read, since the name tells no format that is read: notes.txt",
            "left out, since they hold no rows: 1 files (_SUCCESS)",
        ]
        caplog.clear()
    assert names(f"{bucket}/in/**.csv") == ["more.csv", "reviews.csv/a.csv", "stars=5/d.csv"]
    assert names(f"{bucket}/in/reviews.csv/*", input_format="csv") == ["a.csv"]
    with error(
        f"{bucket}/in/reviews.csv is a folder, and its files are left out by --input {bucket}/in/*.csv; add --input "
        f"{bucket}/in/reviews.csv to read them"
    ):
        find_files(f"{bucket}/in/*.csv")
    assert names(f"{bucket}/zipped/*.zip:tr*") == names(f"{bucket}/zipped/a.zip:train.csv") == ["a.zip:train.csv"]
    with error(f"--input {bucket}/none/*.csv matches no file"):
        find_files(f"{bucket}/none/*.csv")


@pytest.fixture
def listings(bucket, monkeypatch) -> list[str]:
    """What is asked of a store's listings."""
    asked, list_objects = [], storage._list_objects
    monkeypatch.setattr(storage, "_list_objects", lambda glob: asked.append(glob) or list_objects(glob))
    return asked


def test_an_object_is_found_by_one_request(bucket, listings):
    storage.write_bytes(bucket, "in/a.csv", b"text\na\n")
    assert names(f"{bucket}/in/a.csv") == names(f"{bucket}/in/*.csv") == ["a.csv"]
    assert listings == [f"{bucket}/in/a.csv", f"{bucket}/in/**"]


def test_no_name_at_all_is_not_the_working_folder(tmp_path, monkeypatch):
    write(tmp_path, "a.csv")
    monkeypatch.chdir(tmp_path)
    with error("--input '' names no file"):
        find_files("")
    assert names(".") == ["a.csv"]


def test_a_name_that_is_not_utf8_can_be_told(tmp_path):
    os.symlink(os.fsencode(tmp_path) + b"/n\xe9", os.fsencode(tmp_path) + b"/caf\xe9.csv")
    with error(f"{tmp_path}/caf\\xe9.csv is a link to {tmp_path}/n\\xe9, which does not exist"):
        find_files(f"{tmp_path}/*")
