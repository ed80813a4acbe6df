"""Files as people report them: all of their rows are read, or a sentence names what is not.

As for rows, every case names the flags that help it, and what is told of it may name no others.
"""

import gzip
import json
import os
import pathlib
import threading
from collections.abc import Callable

import pyarrow as pa
import pytest

from beam_pipelines import preprocess, score
from tests.helpers.archives import parquet, tarred, zipped
from tests.helpers.reported import STARS, TEXTS, Case, lines, try_twice

ALL = lines("{id},{stars},{text}")
# The same reviews in two files.
HALVES = {
    f"part-{half}.csv": b"".join(ALL.splitlines(keepends=True)[start] for start in [0, *range(1 + half, 61, 2)])
    for half in (0, 1)
}
TIPS = b"".join(b'{"tip": %d, "compliments": 0}\n' % row for row in range(20))
JSON_LINES = "".join(json.dumps({"stars": STARS[row], "body": text}) + "\n" for row, text in enumerate(TEXTS)).encode()


def folder_of(files: dict[str, bytes], end: str = "") -> Callable[[pathlib.Path], str]:
    """Files in a folder `dump`, of which `end` of a glob is given."""

    def write(tmp_path: pathlib.Path) -> str:
        for name, content in files.items():
            (tmp_path / "dump" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "dump" / name).write_bytes(content)
        return f"{tmp_path}/dump{end}"

    return write


def linked(files: dict[str, bytes], links: dict[str, str], end: str) -> Callable[[pathlib.Path], str]:
    """The same with links: name -> target."""

    def write(tmp_path: pathlib.Path) -> str:
        given = folder_of(files, end)(tmp_path)
        for name, target in links.items():
            (tmp_path / "dump" / name).symlink_to(target)
        return given

    return write


def through_a_pipe(tmp_path: pathlib.Path) -> pathlib.Path:
    """A named pipe, into which another thread writes."""
    os.mkfifo(tmp_path / "reviews.csv")
    threading.Thread(target=(tmp_path / "reviews.csv").write_bytes, args=[gzip.compress(ALL)], daemon=True).start()
    return tmp_path / "reviews.csv"


SPARK = {"_SUCCESS": b"", "._SUCCESS.crc": b"crc", ".part-0.csv.crc": b"crc\0", **HALVES}
PARTITIONS = {
    f"stars={stars}/part-0.parquet": parquet({"body": [TEXTS[row] for row in range(60) if STARS[row] == stars]})
    for stars in range(1, 6)
}
NULLS = {
    "a.parquet": parquet({"body": TEXTS, "stars": STARS}),
    "b.parquet": parquet({"body": pa.nulls(3), "stars": [1, 2, 3]}),
}
PREPROCESS = {
    "a folder of Spark": Case(folder_of(SPARK)),
    "all of a folder of Spark": Case(folder_of(SPARK, "/*")),
    "a folder among files": Case(
        folder_of({"more.csv": ALL, "reviews.csv/part-0.csv": ALL}, "/*.csv"),
        told="is a folder, .* add --input",
        mended=None,
    ),
    "a link to nothing": Case(
        linked({"a.csv": ALL}, {"gone.csv": "../blobs/1"}, "/*.csv"),
        told="gone.csv is a link to ../blobs/1, which does not exist",
        mended=None,
    ),
    "a link to a folder": Case(linked(HALVES, {"more": "."}, "/**.csv")),
    "partitions": Case(folder_of(PARTITIONS)),
    "partitions by a glob": Case(folder_of(PARTITIONS, "/**.parquet")),
    "a part without a type": Case(
        folder_of(NULLS), flags=("--max_rejected_share=0.1",), read=63, rejected={"missing_text": 3}
    ),
    "a zip of several kinds": Case(
        zipped({"train.csv": ALL, "test.csv": b"id,body\n1,good\n"}),
        name="archive.zip",
        told="test.csv has no column 'stars'.* --input '.*archive.zip:NAME'",
        mended=None,
    ),
    "a member of it": Case(
        lambda folder: (
            f"{folder_of({'archive.zip': zipped({'train.csv': ALL, 'test.csv': b'id,body'})})(folder)}/archive.zip:tr*"
        )
    ),
    "a zip in a zip": Case(
        zipped({"train.csv.zip": zipped({"train.csv": ALL})}),
        name="a.zip",
        told="an archive itself; unpack it first",
        mended=None,
    ),
    "gzip without its ending": Case(gzip.compress(ALL)),
    "gzip with a newline behind it": Case(gzip.compress(ALL) + b"\n", name="a.csv.gz"),
    "a zip by another name": Case(zipped({"train.csv": ALL})),
    "tars behind each other": Case(
        tarred({"a.csv": HALVES["part-0.csv"]}) + tarred({"b.csv": HALVES["part-1.csv"]}), name="a.tar"
    ),
    "a workbook": Case(
        zipped({"[Content_Types].xml": b"<xml/>", "xl/workbook.xml": b"<xml/>"}),
        told="is an Excel workbook; export it",
        mended=None,
    ),
    "a pointer": Case(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 7\n", told="`git lfs pull`", mended=None
    ),
    "a page": Case(b"<!DOCTYPE html>\n<html>Sign in</html>", told="is an HTML page", mended=None),
    "a database": Case(b"SQLite format 3\0" + bytes(84), name="a.csv", told="an SQLite database", mended=None),
    "a pipe": Case(through_a_pipe),
    "no row at all": Case(b"id,stars,body\n", told="no rated row at all: 0 rows read", mended=None),
}


@pytest.mark.parametrize("case", PREPROCESS.values(), ids=PREPROCESS)
def test_rated_files_are_read_or_named(case, tmp_path, capsys):
    flags = ["--text_column=body", "--score_column=stars", "--score_min=1", "--score_max=5"]
    if folder := try_twice(preprocess, case, flags, tmp_path, capsys):
        rows = json.loads((folder / "statistics.json").read_text())["rows"]
        assert (rows["read"], rows["rejected_by_reason"]) == (case.read, case.rejected)


def test_a_dump_of_several_kinds_is_told_and_one_of_them_can_be_read(cnn, tmp_path, capsys, caplog):
    (tmp_path / "yelp.tar.gz").write_bytes(gzip.compress(tarred({"review.json": JSON_LINES, "tip.json": TIPS})))
    flags = [f"--model={cnn}", "--text_column=body"]
    whole = Case(
        lambda folder: folder / "yelp.tar.gz", told="most often for missing_text .20.; see", mended=None, read=80
    )
    assert try_twice(score, whole, flags, tmp_path, capsys) is None
    assert "tip.json. To read some members alone, add their names: --input" in caplog.text
    one = Case(lambda folder: f"{folder}/yelp.tar.gz:*review.json")
    (tmp_path / "one").mkdir()
    (tmp_path / "one/yelp.tar.gz").symlink_to("../yelp.tar.gz")
    folder = try_twice(score, one, flags, tmp_path / "one", capsys)
    assert json.loads((folder / "summary.json").read_text())["rows_scored"] == 60
