"""Members of a .zip or .tar are chosen by name, and those that are left out are told."""

import gzip
import io
import re
import tarfile

import pytest

from beam_pipelines.errors import UserError
from tests.helpers.archives import find_files, look_at, read_all, tarred, zipped


def write(path, content: bytes, **settings):
    path.write_bytes(content)
    return find_files(path, **settings)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("train.csv", ["train.csv"]),
        ("./train.csv", ["train.csv"]),
        ("t*.csv", ["train.csv", "test.csv"]),
        ("*.csv", ["train.csv", "test.csv", "deep/more.csv"]),
        ("m*.csv", ["deep/more.csv"]),
        ("more.csv", ["deep/more.csv"]),
        ("./*.csv", ["train.csv", "test.csv"]),
        ("**.csv", ["train.csv", "test.csv", "deep/more.csv"]),
        ("*/*.csv", ["deep/more.csv"]),
        ("deep", ["deep/more.csv"]),
        (".hidden.csv", [".hidden.csv"]),
        ("**", ["train.csv", "test.csv", "deep/more.csv"]),
    ],
)
def test_some_members_are_chosen(tmp_path, pack, chosen, expected):
    names = ["train.csv", "test.csv", "deep/more.csv", ".hidden.csv", "deep/__MACOSX/._more.csv"]
    (tmp_path / "a.archive").write_bytes(pack(dict.fromkeys(names, b"text\na\n")))
    archive = look_at(f"{tmp_path}/a.archive:{chosen}")
    assert [file.member for file in archive.files] == expected
    names = [name for block in read_all(archive, ("text",)) for name in block.row_names]
    assert names == [f"a.archive:{member}:2" for member in expected]


def test_the_path_of_a_member_means_no_other_of_its_name(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped(dict.fromkeys(["old/a.csv", "a.csv", "new/a.csv"], b"text\na\n")))
    assert [file.member for file in find_files(f"{tmp_path}/a.zip:a.csv")] == ["a.csv"]
    assert [file.member for file in find_files(f"{tmp_path}/a.zip:a*.csv")] == ["old/a.csv", "a.csv", "new/a.csv"]


def test_the_members_of_two_archives_are_chosen_by_one_glob(tmp_path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(zipped({"train.csv": b"text\na\n", "test.csv": b"body\n"}))
    assert [file.name for file in find_files(f"{tmp_path}/*.zip:tr*")] == ["a.zip:train.csv", "b.zip:train.csv"]


def test_a_member_that_is_not_there_is_told_with_those_that_are(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({f"{number}.csv": b"text\n" for number in range(9)}))
    with pytest.raises(UserError, match=r"(?m)a\.zip has no member x\.csv; it has: 0.csv, .*, 4.csv and 4 more$"):
        find_files(f"{tmp_path}/a.zip:x.csv")


def test_the_members_of_a_tar_of_a_folder_begin_with_a_dot(tmp_path):
    """As `tar cf a.tar .` writes them."""
    (tmp_path / "a.tar").write_bytes(tarred({"./deep/a.csv": b"text\na\n", "./.git/b.csv": b"text\nb\n"}))
    assert [file.member for file in find_files(tmp_path / "a.tar")] == ["./deep/a.csv"]
    assert [file.member for file in find_files(f"{tmp_path}/a.tar:deep/*.csv")] == ["./deep/a.csv"]


def test_a_member_of_unknown_format_is_left_out_with_a_word(tmp_path, caplog):
    members = {"README": b"about", "a.csv": b"text\na\n"}
    assert [file.member for file in write(tmp_path / "a.zip", zipped(members))] == ["a.csv"]
    assert f"{tmp_path}/a.zip: not read: README (its name tells no format that is read)" in caplog.messages
    with pytest.raises(UserError, match=r"a\.zip holds no file that is read: reviews \(.*; add --input_format"):
        write(tmp_path / "a.zip", zipped({"reviews": b"text\na\n"}))
    assert len(write(tmp_path / "a.zip", zipped({"reviews": b"text\na\n"}), input_format="csv")) == 1


def test_what_is_packed_in_another_way_is_not_read_as_rows(tmp_path, caplog):
    members = {"a.csv": b"text\na\n", "b.csv.lz4": b"packed", "inner.zip": b"packed"}
    files = write(tmp_path / "a.zip", zipped(members), input_format="csv")
    assert [file.member for file in files] == ["a.csv"]
    assert caplog.messages == [
        f"{tmp_path}/a.zip: not read: b.csv.lz4 (compressed by lz4; decompress it first: lz4 -d), inner.zip (an "
        "archive itself; unpack it first)"
    ]


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
    [block] = read_all(files, ("text",))
    assert block.rows["text"].to_pylist() == ["old", "new"]
    assert block.row_names == ["a.tar:a.csv.gz:2", "a.tar:(2) a.csv.gz:2"]


def test_long_names_are_cut_and_stay_different(tmp_path):
    names = [f"{'x' * 5000}{number}{'y' * 5000}.csv" for number in range(2)]
    (tmp_path / "a.tar").write_bytes(tarred(dict.fromkeys(names, b"text\na\n")))
    files = find_files(tmp_path / "a.tar")
    assert [len(file.member) for file in files] == [200, 204]
    assert files[1].member == f"(2) {files[0].member}"
    [block] = read_all(files, ("text",))
    assert block.row_names == [f"{file.name}:2" for file in files]


def test_an_archive_of_nothing(tmp_path):
    for name, content in {"a.zip": zipped({}), "a.tar": tarred({})[512:], "b.tar": bytes(10240)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"(?m){name} holds no file that is read$"):
            find_files(tmp_path / name)


def test_an_office_file_is_named_and_its_members_are_not_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}))
    with pytest.raises(UserError, match=r"(?m)a\.csv is an Excel workbook; export it as CSV, JSON lines or Parquet$"):
        find_files(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.XLSX", "an Excel workbook"), ("a.ods", "an OpenDocument file (.ods, .odt)"), ("a.docx", "a Word document")],
)
def test_an_office_file_that_is_damaged_is_named_by_its_name(tmp_path, name, kind):
    whole = zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b"", "content.xml": b"", "word/document.xml": b""})
    told = rf"(?m){name} is {re.escape(kind)} by its name, and damaged; export it as CSV, .* from a whole copy$"
    for content in (whole[:-30], b"\0\1" + whole[2:-30]):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=told):
            find_files(tmp_path / name)


def test_an_office_file_in_an_archive_is_named(tmp_path, caplog):
    book = zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""})
    (tmp_path / "a.zip").write_bytes(zipped({"a.csv": b"text\na\n", "b.xlsx": book}))
    for input_format in (None, "csv"):
        assert [file.member for file in find_files(tmp_path / "a.zip", input_format=input_format)] == ["a.csv"]
    assert caplog.messages == [
        f"{tmp_path}/a.zip: not read: b.xlsx (an Excel workbook; export it as CSV, JSON lines or Parquet)",
        f"{tmp_path}/a.zip:b.xlsx is an Excel workbook; export it as CSV, JSON lines or Parquet",
    ]
