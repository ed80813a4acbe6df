"""Only files that begin alike are taken for alike, and each keeps what is its own."""

import gzip
import pathlib

import pytest

from beam_pipelines.archive.files_alike import FilesAlike
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.finding.input_files import InputFile
from tests.helpers.archives import find_files, found_file, read_all

HEADER = b"id,text,stars and more\n"
FIRST = HEADER + b"1,a,5\n"


def find(first: tuple[str, bytes], other: tuple[str, bytes], folder: pathlib.Path) -> list[InputFile] | None:
    """What is known of the second file by the first one."""
    alike = FilesAlike("text")
    (folder / "b=1").mkdir()
    one, two = (found_file(folder / name, content) for name, content in (first, other))
    with open(one.path, "rb") as raw:
        alike.remember(one, find_files(one.path), raw)
    with open(two.path, "rb") as raw:
        return alike.find(two, raw)


@pytest.mark.parametrize("name", ["b.csv", "b=1/b.csv"])
def test_a_file_that_begins_alike_is_known_as_by_a_look(tmp_path, name):
    [file] = find(("a.csv", FIRST), (name, HEADER + b"2,b,4\n3,c,3\n"), tmp_path)
    assert file == find_files(tmp_path / name)[0]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (("a.csv", FIRST), ("b.csv", b"id,stars,text and more\n1,5,a\n")),
        (("a.csv", FIRST), ("b.tsv", FIRST)),
        (("a.csv", FIRST), ("b.jsonl", FIRST)),
        (("a.csv", FIRST), ("b.csv", b"")),
        (("a.csv", FIRST), ("b.csv", b"\xef\xbb\xbf" + FIRST)),
        (("a.csv", FIRST), ("b.csv.gz", gzip.compress(FIRST))),
        (("a.csv.gz", gzip.compress(FIRST)), ("b.csv.gz", gzip.compress(FIRST))),
        # So short a line may be the start of anything.
        (("a.csv", b"text\na\n"), ("b.csv", b"text\nb\n")),
        (("a.csv", b"\n" + FIRST), ("b.csv", b"\n" + FIRST)),
        (("a.csv", b"sep=,\n" + FIRST), ("b.csv", b"sep=,\n" + FIRST)),
        (("a.csv", b'id and more,text,"stars\nof 5"\n1,a,5\n'), ("b.csv", b'id and more,text,"stars\nof 10"\n1,a,5\n')),
        (("a.jsonl", b'{"text": "a long review"}\n'), ("b.jsonl", b'{"text": "a long review"}\n')),
    ],
)
def test_other_files_are_looked_at(tmp_path, first, other):
    assert find(first, other, tmp_path) is None


def test_a_file_whose_members_are_chosen_is_looked_at(tmp_path):
    alike = FilesAlike("text")
    one = found_file(tmp_path / "a.csv", FIRST)
    with open(one.path, "rb") as raw:
        alike.remember(one, find_files(one.path), raw)
        assert alike.find(FoundFile(one.path, one.size_bytes, one.modified, members=("b.csv",)), raw) is None
        assert alike.find(one, raw) == find_files(one.path)


def test_the_rows_of_files_with_headers_of_several_lines_are_those_of_their_own(tmp_path):
    for name, last in {"a.csv": "5", "b.csv": "10"}.items():
        (tmp_path / name).write_text(f'id and more,text,"stars\nof {last}"\n1,a,5\n')
    blocks = read_all(find_files(tmp_path / "*"), ("text", "stars\nof 5"))
    assert [(block.rows.num_rows, [reject.reason for reject in block.rejects]) for block in blocks] == [
        (1, []),
        (0, ["missing_column"]),
    ]
