"""A .zip or .tar of files gives the rows of its files, without unpacking them to disk."""

import gzip
import io
import re
import tarfile
import zipfile

import pytest
import zstandard

from beam_pipelines.archive import input_columns
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.positions import Position
from beam_pipelines.errors import UserError
from tests.helpers.archives import COMPRESS, find_files, look_at, parquet, read_all, tarred, texts_of, zipped

MEMBERS = {
    "dump/b.csv": b"id,text\n1,first\n2,\xff\n",
    "dump/a.jsonl.gz": gzip.compress(b'{"text": "second"}\n'),
    "dump/c.parquet": parquet({"text": ["third", "fourth"]}, rows_per_group=1),
    "__MACOSX/dump/._b.csv": b"no data",
    "dump/.DS_Store": b"no data",
}


PACKED = {
    "a.zip": zipped(MEMBERS),
    "a.tar": tarred(MEMBERS),
    "a.tar.gz": gzip.compress(tarred(MEMBERS)),
    "a.tgz": gzip.compress(tarred(MEMBERS)),
    "a.tar.bz2": COMPRESS[".bz2"](tarred(MEMBERS)),
    "a.tar.zst": zstandard.compress(tarred(MEMBERS)),
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
    assert [file.name for file in files] == [f"{name}:dump/{part}" for part in ("b.csv", "a.jsonl.gz", "c.parquet")]
    read = read_all(files, ("text",))
    assert [block.rows["text"].to_pylist() for block in read] == [["first"], ["second"], ["third", "fourth"]]
    assert [block.row_names for block in read] == [
        [f"{name}:dump/b.csv:2"],
        [f"{name}:dump/a.jsonl.gz:1"],
        [f"{name}:dump/c.parquet:1", f"{name}:dump/c.parquet:2"],
    ]
    assert [(block.extent, block.next_extent) for block in read] == [
        (Position(0), None),
        (Position(0), None),
        (Position(0), Position(1)),
    ]
    [reject] = read[0].rejects
    assert (reject.file, reject.row_number, reject.reason) == (f"{tmp_path}/{name}:dump/b.csv", 3, "invalid_utf8")
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_it_lies_among_other_files_in_their_order(tmp_path):
    (tmp_path / "b.csv").write_bytes(b"text\nlast\n")
    (tmp_path / "0.csv").write_bytes(b"text\nzeroth\n")
    (tmp_path / "a.zip").write_bytes(zipped(MEMBERS))
    files = find_files(tmp_path / "*")
    assert [file.position for file in files] == [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0)]
    assert texts_of(read_all(files, ("text",))) == ["zeroth", "first", "second", "third", "fourth", "last"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_more_than_the_limit_is_refused_before_it_is_unpacked(tmp_path, name):
    """A few kilobytes can unpack to terabytes."""
    bomb = {"zeros.csv": bytes(30_000_000)}
    content = {"a.zip": zipped, "a.tar": tarred, "a.tar.gz": lambda members: gzip.compress(tarred(members))}[name](bomb)
    with pytest.raises(UserError, match=r"unpacks to more than 0\.01 GB; allow more with --max_unpacked_gb"):
        write(tmp_path / name, content, max_unpacked_gb=0.01)


@pytest.mark.parametrize("name", PACKED)
def test_one_that_is_cut_off_before_its_first_member_is_an_error_that_names_it(tmp_path, name):
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}/{name}")):
        write(tmp_path / name, PACKED[name][:300] if name == "a.tar" else PACKED[name][: len(PACKED[name]) * 2 // 5])


def test_what_comes_before_the_end_of_a_tar_that_is_cut_off_is_read(tmp_path):
    packed = tarred({"a.csv": b"text\n" + b"a review\n" * 50_000, "b.csv": b"text\nlost\n"})
    blocks = read_all(write(tmp_path / "a.tar", packed[:200_000]), ("text",))
    texts = texts_of(blocks)
    assert set(texts) == {"a review"}
    # It is read by 64 kB, of which the last are not whole.
    assert 15_000 < len(texts) <= (200_000 - 512) // len(b"a review\n")
    assert [reject.reason for block in blocks for reject in block.rejects] == ["damaged_file"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_damaged_member_is_told_and_costs_no_other(tmp_path, name, caplog):
    damaged = gzip.compress(b"text\na review\n")[:12]
    members = {"good.csv": b"text\ngood\n", "bad.csv.gz": damaged, "last.csv": b"text\nlast\n"}
    files = write(tmp_path / name, zipped(members) if name == "a.zip" else gzip.compress(tarred(members)))
    assert f"{tmp_path}/{name}:bad.csv.gz cannot be read as csv: it ends in the middle of its gzip data" in caplog.text
    blocks = read_all(files, ("text",))
    assert texts_of(blocks) == ["good", "last"]
    [reject] = [reject for block in blocks for reject in block.rejects]
    assert (reject.file, reject.reason) == (f"{tmp_path}/{name}:bad.csv.gz", "damaged_file")


def test_an_encrypted_member_is_told(tmp_path):
    content = bytearray(zipped({"a.csv": b"text\na\n"}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UserError, match=r"a\.csv is encrypted; unpack it first"):
        write(tmp_path / "a.zip", bytes(content))


def test_the_columns_of_all_members_are_looked_at_before(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tarred({"a.csv": b"text\na\n", "b.csv": b"body\na\n"})))
    with pytest.raises(UserError, match=r"a\.tar\.gz:b\.csv has no column 'text'; it has: body"):
        input_columns.require(look_at(path).columns, ("text",))


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_tars_behind_each_other_are_read_to_the_last(tmp_path, name):
    """As `cat a.tar b.tar` makes them."""
    both = tarred({"a.csv": b"text\na\n"}) + tarred({"b.csv": b"text\nb\n"})
    files = write(tmp_path / name, gzip.compress(both) if name.endswith("gz") else both)
    assert texts_of(read_all(files, ("text",))) == ["a", "b"]


def test_a_damaged_header_is_not_passed_over(tmp_path):
    content = bytearray(tarred({"a.csv": b"text\na\n", "b.csv": b"text\nb\n"}))
    content[1024 + 20] ^= 255
    files = write(tmp_path / "a.tar", bytes(content))
    [block] = read_all(files, ("text",))
    assert texts_of([block]) == ["a"]
    [reject] = block.rejects
    assert (reject.file, reject.reason) == (f"{tmp_path}/a.tar", "damaged_file")
    assert "what should be the header of a member is none" in reject.raw


def linked(tmp_path, *, chosen: str = "") -> tuple[list[input_files.InputFile], list[list[str]]]:
    """A tar of a file and of links to it, compressed, so that it is read forward alone."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        info = tarfile.TarInfo("a.csv")
        info.size = 7
        archive.addfile(info, io.BytesIO(b"text\na\n"))
        for name, kind in {"b.csv": tarfile.LNKTYPE, "c.csv": tarfile.SYMTYPE, "d.csv": tarfile.LNKTYPE}.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "a.csv"
            archive.addfile(info)
        info = tarfile.TarInfo("e.csv")
        info.type = tarfile.CHRTYPE
        archive.addfile(info)
    (tmp_path / "a.tgz").write_bytes(content.getvalue())
    archive = look_at(f"{tmp_path}/a.tgz{chosen}")
    return archive.files, texts_of(read_all(archive, ("text",)))


def test_a_hard_link_gives_its_rows_and_other_links_are_told(tmp_path, caplog):
    files, texts = linked(tmp_path)
    assert [file.member for file in files] == ["a.csv", "b.csv", "d.csv"]
    assert texts == ["a", "a", "a"]
    assert caplog.messages == [f"{tmp_path}/a.tgz: not read: c.csv (a link to a.csv), e.csv (a device or a pipe)"]


def test_a_hard_link_is_read_without_its_file(tmp_path, caplog):
    files, texts = linked(tmp_path, chosen=":d.csv")
    assert ([file.member for file in files], texts) == (["d.csv"], ["a"])
    with pytest.raises(UserError, match=r"(?m)a\.tgz holds no file that is read: c\.csv \(a link to a\.csv\)$"):
        linked(tmp_path, chosen=":c.csv")


def test_a_link_in_a_zip_is_told(tmp_path, caplog):
    link = zipfile.ZipInfo("b.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "text\na\n")
        archive.writestr(link, "a.csv")
    assert [file.member for file in find_files(tmp_path / "a.zip")] == ["a.csv"]
    assert caplog.messages == [f"{tmp_path}/a.zip: not read: b.csv (a link)"]


def test_names_that_are_not_utf8(tmp_path):
    (tmp_path / "a.tar").write_bytes(tarred({"caf\udce9.csv": b"text\na\n", "é.csv": b"text\nb\n"}))
    packed = zipped({"caf_.csv": b"text\na\n", "é.csv": b"text\nb\n"})
    (tmp_path / "a.zip").write_bytes(packed.replace(b"caf_.csv", b"caf\xe9.csv"))
    for name in ("a.tar", "a.zip"):
        files = find_files(tmp_path / name)
        assert [file.name for file in files] == [f"{name}:caf\\xe9.csv", f"{name}:é.csv"]
        assert texts_of(read_all(files, ("text",))) == ["a", "b"]


def test_a_zip_that_wrote_utf8_without_saying_so(tmp_path):
    packed = zipped({"__.csv": b"text\na\n"})
    (tmp_path / "a.zip").write_bytes(packed.replace(b"__.csv", "é.csv".encode()))
    assert [file.member for file in find_files(tmp_path / "a.zip")] == ["é.csv"]


@pytest.mark.parametrize("name", ["inner.csv", "inner.csv.gz"])
def test_an_archive_in_an_archive_is_told_whatever_its_name(tmp_path, name, caplog):
    inner = tarred(MEMBERS) if name == "inner.csv" else gzip.compress(tarred(MEMBERS))
    (tmp_path / "a.zip").write_bytes(zipped({name: inner, "a.csv": b"text\na\n"}))
    assert [file.member for file in find_files(tmp_path / "a.zip")] == ["a.csv"]
    assert caplog.messages == [f"{tmp_path}/a.zip:{name} is an archive itself, and not read; unpack it first"]
    (tmp_path / "a.zip").write_bytes(zipped({name: inner}))
    with pytest.raises(UserError, match=rf"a\.zip holds no file that is read: .*:{name} is an archive itself"):
        find_files(tmp_path / "a.zip")


def test_a_compressed_zip_is_told(tmp_path):
    (tmp_path / "a.zip.gz").write_bytes(gzip.compress(zipped(MEMBERS)))
    with pytest.raises(UserError, match=r"(?m)a\.zip\.gz is a \.zip that was compressed once more; decompress"):
        find_files(tmp_path / "a.zip.gz")


def test_a_link_does_not_take_the_rows_of_a_file_of_its_name(tmp_path, caplog):
    content = io.BytesIO(tarred({"dump/link.csv": b"text\na\n"}))
    (tmp_path / "a.tar").write_bytes(content.getvalue())
    assert [file.member for file in find_files(tmp_path / "a.tar")] == ["dump/link.csv"]
    assert caplog.messages == [f"{tmp_path}/a.tar: not read: dump/link.csv (a link to /etc/passwd)"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.zip", b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ("a.tar", b"<!DOCTYPE html>", "is an HTML page"),
        ("a.tar.gz", b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        ("a.zip", b"", "cannot be read as an archive of files: File is not a zip file"),
        ("a.zip", b"text\n", "cannot be read as an archive of files: File is not a zip file"),
        ("a.tar", b"text\n", "cannot be read as an archive of files: "),
    ],
)
def test_what_is_no_archive_though_its_name_says_so(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"^{re.escape(str(tmp_path / name))} {told}"):
        find_files(tmp_path / name)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(("kept", "is_told"), [(2 * 1024, True), (2 * 1024 + 100, True), (2 * 1024 + 512, False)])
def test_a_tar_without_its_end_is_told(tmp_path, caplog, pack, kept, is_told):
    """A download may have broken off right behind a member, or in the next one's header."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("a.csv", "b.csv"):
            info = tarfile.TarInfo(name)
            info.size = 7
            archive.addfile(info, io.BytesIO(b"text\na\n"))
    assert len(write(tmp_path / "a.tar", pack(content.getvalue()[:kept]))) == 2
    told = (
        f"{tmp_path}/a.tar ends without the blocks of zeros that end every .tar, and may be cut short behind a member; "
        "compare its size with that of the original"
    )
    assert caplog.messages == [told] * is_told


def test_a_zip_behind_another_one_is_told(tmp_path, caplog):
    """As `cat a.zip b.zip` makes them: the second one's list is the only one that is looked for."""
    one, other = zipped({"a.csv": b"text\none\n"}), zipped({"b.csv": b"text\nother\n"})
    files = write(tmp_path / "both.zip", one + other)
    assert [file.member for file in files] == ["b.csv"]
    assert [block.rows["text"].to_pylist() for block in read_all(files, ("text",))] == [["other"]]
    assert caplog.messages == [
        f"{tmp_path}/both.zip begins with {len(one)} bytes that its list of members does not name, and that are not "
        f"read; give .zip files one by one: `head -c {len(one)} FILE > first.zip` takes off what was put before"
    ]


def test_a_zip_behind_a_program_that_unpacks_it(tmp_path, caplog):
    (tmp_path / "a.zip").write_bytes(b"#!/bin/sh\n" + zipped(MEMBERS))
    assert len(find_files(tmp_path / "a.zip")) == 3
    assert not caplog.messages


def test_a_name_that_claims_to_be_utf8_and_is_not(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"é.csv": b"text\n"}).replace("é".encode(), b"\xe9\xe9"))
    with pytest.raises(UserError, match=r"a\.zip cannot be read as an archive of files: the name of a member"):
        find_files(tmp_path / "a.zip")
