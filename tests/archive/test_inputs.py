"""The list of a job's inputs is read as it was written, and tells how another one differs."""

import dataclasses

import pytest

from beam_pipelines.archive import inputs
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.files import storage

FILES = [
    FoundFile("/in/a.csv", 1000, 1.7e9 + 0.123456, name="a.csv"),
    FoundFile("/in/caf\udce9\n.csv", 0, 5.0, index=1, name="caf\\xe9\n.csv"),
    FoundFile("/in/é/b.zip", 1 << 40, None, members=("*.csv", "é"), index=2, name="é/b.zip"),
    FoundFile("/tmp/copy", 7, None, pipe="/dev/stdin", index=3, name="stdin"),
    FoundFile("gs://bucket/c d.csv", 3, 0.0, index=4, name="c d.csv"),
]


def test_it_is_read_as_it_was_written(tmp_path):
    inputs.write(str(tmp_path), FILES)
    assert inputs.read(str(tmp_path)) == FILES
    assert storage.listing(str(tmp_path)) == [inputs.INPUTS] == ["inputs.parquet"]


def test_a_job_may_have_two(tmp_path):
    inputs.write(str(tmp_path), FILES[:1])
    inputs.write(str(tmp_path), FILES[1:], "others.parquet")
    assert (inputs.read(str(tmp_path)), len(inputs.read(str(tmp_path), "others.parquet"))) == (FILES[:1], 4)


def test_what_was_found_on_a_disk_is_read_as_it_was_found(tmp_path):
    """The time that a file was written is compared to its last digit."""
    (tmp_path / "in").mkdir()
    for name in ("b.csv", "caf\udce9.csv", "a\n.csv"):
        (tmp_path / "in" / name).write_bytes(b"text\n")
    found = found_files.find([f"{tmp_path}/in/*"])[0]
    inputs.write(str(tmp_path / "out"), found)
    assert inputs.read(str(tmp_path / "out")) == found
    assert list(inputs.differences(found, inputs.read(str(tmp_path / "out")))) == []


def test_it_grows_by_few_bytes_with_each_file(tmp_path):
    """An archive may have millions."""
    names = [f"part-{index:06}.csv" for index in range(50_000)]
    many = [FoundFile(f"/in/{name}", 1000, 5.0, index=index, name=name) for index, name in enumerate(names)]
    inputs.write(str(tmp_path), many)
    assert (tmp_path / "inputs.parquet").stat().st_size < 10 * len(many)
    assert inputs.read(str(tmp_path))[-1] == many[-1]


def test_a_folder_without_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"inputs\.parquet"):
        inputs.read(str(tmp_path))


FIRST, SECOND = FILES[0], FILES[2]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ([FIRST, SECOND], []),
        ([FIRST], ["/in/é/b.zip is gone"]),
        ([FIRST, SECOND, FILES[1]], ["/in/caf\\xe9\n.csv is new"]),
        ([dataclasses.replace(FIRST, size_bytes=1234), SECOND], ["/in/a.csv had 1,000 bytes and has 1,234"]),
        (
            [dataclasses.replace(FIRST, modified=6.0), SECOND],
            ["/in/a.csv was written again (its time of modification is another)"],
        ),
        ([dataclasses.replace(FIRST, size_bytes=9, modified=6.0), SECOND], ["/in/a.csv had 1,000 bytes and has 9"]),
        ([FIRST, dataclasses.replace(SECOND, members=())], ["other members of /in/é/b.zip are read"]),
        # Where it stands among the others is told by these.
        ([dataclasses.replace(FIRST, index=7, name="in/a.csv"), SECOND], []),
        ([FILES[3]], ["/in/a.csv is gone", "/in/é/b.zip is gone", "/dev/stdin is new"]),
    ],
)
def test_differences_are_told_in_words(new, told):
    assert list(inputs.differences([FIRST, SECOND], new)) == told
