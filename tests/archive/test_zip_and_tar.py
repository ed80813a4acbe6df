"""A .zip or .tar of files gives the rows of its files, without unpacking them to disk."""

import gzip
import io
import re
import tarfile
import zipfile

import pytest
import zstandard

from beam_pipelines.archive import blocks, input_columns, input_files
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.errors import UserError
from tests.helpers.archives import COMPRESS, find_files, look_at, parquet, read_all

MEMBERS = {
    "dump/b.csv": b"id,text\n1,first\n2,\xff\n",
    "dump/a.jsonl.gz": gzip.compress(b'{"text": "second"}\n'),
    "dump/c.parquet": parquet({"text": ["third", "fourth"]}, rows_per_group=1),
    "__MACOSX/dump/._b.csv": b"no data",
    "dump/.DS_Store": b"no data",
}


def zipped(members=MEMBERS) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("dump")
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members=MEMBERS) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("dump/link.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return file.getvalue()


PACKED = {
    "a.zip": zipped(),
    "a.tar": tarred(),
    "a.tar.gz": gzip.compress(tarred()),
    "a.tgz": gzip.compress(tarred()),
    "a.tar.bz2": COMPRESS[".bz2"](tarred()),
    "a.tar.zst": zstandard.compress(tarred()),
}


def write(path, content: bytes, **settings) -> list[input_files.InputFile]:
    path.write_bytes(content)
    return find_files(path, **settings)


@pytest.mark.parametrize("name", PACKED)
def test_every_member_is_read_in_its_order(tmp_path, name):
    files = write(tmp_path / name, PACKED[name])
    assert [file.label for file in files] == [
        f"{tmp_path}/{name}:dump/{part}" for part in ("b.csv", "a.jsonl.gz", "c.parquet")
    ]
    read = read_all(files, ("text",))
    assert [block.rows["text"].to_pylist() for block in read] == [["first"], ["second"], ["third"], ["fourth"]]
    assert [(block.start, block.end) for block in read] == [(0, None), (0, None), (0, 1), (1, None)]
    [reject] = read[0].rejects
    assert (reject.file, reject.row_number, reject.reason) == (f"{tmp_path}/{name}:dump/b.csv", 3, "invalid_utf8")
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_the_members_of_a_zip_are_shared_out_and_a_tar_is_read_in_one_pass(tmp_path):
    groups = [input_files.group_containers(write(tmp_path / name, PACKED[name])) for name in ("a.zip", "a.tar")]
    assert [[len(group) for group in found] for found in groups] == [[1, 1, 1], [3]]
    extents = list(blocks.list_extents(groups[1][0], ReadOptions(columns=("text",))))
    assert [extent.files for extent in extents] == groups[1]


def test_it_lies_among_other_files_in_their_order(tmp_path):
    (tmp_path / "b.csv").write_bytes(b"text\nlast\n")
    (tmp_path / "0.csv").write_bytes(b"text\nzeroth\n")
    (tmp_path / "a.zip").write_bytes(zipped())
    files = find_files(tmp_path / "*")
    assert [file.index for file in files] == [0, 1, 2, 3, 4]
    texts = [text for block in read_all(files, ("text",)) for text in block.rows["text"].to_pylist()]
    assert texts == ["zeroth", "first", "second", "third", "fourth", "last"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_more_than_the_limit_is_refused_before_it_is_unpacked(tmp_path, name):
    """A few kilobytes can unpack to terabytes."""
    bomb = {"zeros.csv": bytes(30_000_000)}
    content = {"a.zip": zipped, "a.tar": tarred, "a.tar.gz": lambda members: gzip.compress(tarred(members))}[name](bomb)
    with pytest.raises(UserError, match=r"unpacks to more than 0\.01 GB; allow more with --max_unpacked_gb"):
        write(tmp_path / name, content, max_unpacked_gb=0.01)


@pytest.mark.parametrize("name", PACKED)
def test_one_that_is_cut_off_is_an_error_that_names_it(tmp_path, name):
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}/{name}")):
        read_all(write(tmp_path / name, PACKED[name][: len(PACKED[name]) * 2 // 5]), ("text",))


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_damaged_member_is_an_error_that_names_it(tmp_path, name):
    members = {"good.csv": b"text\ngood\n", "bad.csv.gz": gzip.compress(b"text\n" + b"a review\n" * 99)[:-20]}
    content = zipped(members) if name == "a.zip" else gzip.compress(tarred(members))
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}/{name}:bad.csv.gz cannot be read as csv")):
        write(tmp_path / name, content)


def test_an_encrypted_member_is_told(tmp_path):
    content = bytearray(zipped({"a.csv": b"text\na\n"}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UserError, match=r"a\.csv is encrypted; unpack it first"):
        write(tmp_path / "a.zip", bytes(content))


def test_a_member_of_unknown_format_is_left_out_with_a_word(tmp_path, caplog):
    members = {"README": b"about", "a.csv": b"text\na\n"}
    assert [file.member for file in write(tmp_path / "a.zip", zipped(members))] == ["a.csv"]
    assert "not read, since the name tells no format that is read: README" in caplog.text
    with pytest.raises(UserError, match=r"a\.zip holds no file whose name tells its format; add --input_format"):
        write(tmp_path / "a.zip", zipped({"reviews": b"text\na\n"}))
    assert len(write(tmp_path / "a.zip", zipped({"reviews": b"text\na\n"}), input_format="csv")) == 1


def test_a_name_that_comes_twice_is_two_files(tmp_path):
    """`tar -r` adds a newer version of a file to the end."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for text in (b"old", b"new"):
            info = tarfile.TarInfo("a.csv.gz")
            packed = gzip.compress(b"text\n" + text + b"\n")
            info.size = len(packed)
            archive.addfile(info, io.BytesIO(packed))
    files = write(tmp_path / "a.tar", content.getvalue())
    assert [file.label for file in files] == [f"{tmp_path}/a.tar:a.csv.gz", f"{tmp_path}/a.tar:(2) a.csv.gz"]
    assert [block.rows["text"].to_pylist() for block in read_all(files, ("text",))] == [["old"], ["new"]]


def test_what_is_packed_in_another_way_is_not_read_as_rows(tmp_path, caplog):
    members = {"a.csv": b"text\na\n", "b.csv.lz4": b"packed", "inner.zip": b"packed"}
    files = write(tmp_path / "a.zip", zipped(members), input_format="csv")
    assert [file.member for file in files] == ["a.csv"]
    assert "b.csv.lz4, inner.zip" in caplog.text


def test_the_columns_of_all_members_are_looked_at_before(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tarred({"a.csv": b"text\na\n", "b.csv": b"body\na\n"})))
    with pytest.raises(UserError, match=r"a\.tar\.gz:b\.csv has no column 'text'; it has: body"):
        input_columns.require(look_at(path).columns, ("text",))
