"""Columns that stand in the names of folders are columns of text."""

import gzip
import io
import zipfile

import pytest

from beam_pipelines.archive import input_columns, partitions
from tests.helpers.archives import find_files, look_at, parquet, read_all

CONTENTS = {
    "part-0.csv": b"text\na\nb\n",
    "part-0.csv.gz": gzip.compress(b"text\na\nb\n"),
    "part-0.jsonl": b'{"text": "a"}\n{"text": "b"}\n',
    "part-0.parquet": parquet({"text": ["a", "b"]}),
}


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("/in/stars=5/part.csv", {"stars": "5"}),
        ("/in/a%20b=c%2Fd%3D/part.csv", {"a b": "c/d="}),
        ("/in/a=b=c/part.csv", {"a": "b=c"}),
        ("/in/a=/part.csv", {"a": ""}),
        ("/in/a=__HIVE_DEFAULT_PARTITION__/part.csv", {"a": None}),
        ("/in/=a/b/c=d.csv", {}),
        ("/in/a=1/a=2/part.csv", {"a": "2"}),
    ],
)
def test_columns_of(path, columns):
    assert partitions.columns_of(path) == columns


@pytest.mark.parametrize("name", CONTENTS)
def test_every_format_has_them_in_every_place(tmp_path, name):
    for stars in ("5", "__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / f"stars={stars}/lang=en").mkdir(parents=True)
        (tmp_path / f"stars={stars}/lang=en" / name).write_bytes(CONTENTS[name])
    archive = look_at(f"{tmp_path}/**")
    input_columns.require(archive.columns, ("text", "stars", "lang"))
    assert [columns.names for columns in archive.columns.values()] == [("text", "stars", "lang")] * 2
    [block] = read_all(archive.files, ("text", "stars", "lang"))
    assert block.rows.to_pydict() == {
        "text": ["a", "b", "a", "b"],
        "stars": ["5", "5", None, None],
        "lang": ["en", "en", "en", "en"],
    }


def test_files_in_folders_of_other_columns_share_no_block(tmp_path):
    contents = {
        "stars=5/a.csv": b"text,band\na,x\n",
        "stars=5/band=y/b.csv": b"text\nb\n",
        "c.csv": b"text,stars,band\nc,4,z\n",
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    blocks = read_all(find_files(f"{tmp_path}/**"), ("text", "stars", "band"))
    assert [block.rows.to_pylist() for block in blocks] == [
        [{"text": "c", "stars": "4", "band": "z"}],
        [{"text": "a", "stars": "5", "band": "x"}],
        [{"text": "b", "stars": "5", "band": "y"}],
    ]


def test_a_small_block_in_the_middle_of_a_file_has_them(tmp_path):
    (tmp_path / "stars=5").mkdir()
    (tmp_path / "stars=5/a.csv").write_bytes(b"text\n" + b"a\n" * 50)
    blocks = read_all(find_files(f"{tmp_path}/**"), ("text", "stars"), size=20)
    assert len(blocks) > 3
    assert {star for block in blocks for star in block.rows["stars"].to_pylist()} == {"5"}
    assert blocks[-1].rows.schema.names == ["text", "stars"]


def test_what_the_file_holds_itself_counts(tmp_path):
    (tmp_path / "stars=5").mkdir()
    for name, content in {"a.csv": b"text,stars\na,4\n", "b.jsonl": b'{"text": "a", "stars": "4"}'}.items():
        (tmp_path / "stars=5" / name).write_bytes(content)
    files = find_files(f"{tmp_path}/**")
    assert [file.partitions for file in files] == [(), ()]
    assert [block.rows["stars"].to_pylist() for block in read_all(files, ("text", "stars"))] == [["4"], ["4"]]


def test_the_text_never_stands_in_a_folder(tmp_path):
    (tmp_path / "text=a").mkdir()
    (tmp_path / "text=a/a.csv").write_bytes(b"body\nb\n")
    [columns] = look_at(f"{tmp_path}/**").columns.values()
    assert columns.names == ("body",)


def test_the_folders_within_a_zip_count_too(tmp_path):
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("stars=5/a.csv", "text\na\n")
    (tmp_path / "lang=en").mkdir()
    (tmp_path / "lang=en/a.zip").write_bytes(packed.getvalue())
    [file] = find_files(f"{tmp_path}/**")
    assert file.partitions == (("lang", "en"), ("stars", "5"))
