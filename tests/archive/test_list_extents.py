"""The source of both jobs: extents follow each other from the first file to the last, whatever the files are."""

import gzip
import itertools
import random

import apache_beam as beam
import pytest
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from beam_pipelines.archive import inputs, large_files, read_extents
from beam_pipelines.archive.extents import Extent
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.list_extents import ListExtents
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.read_options import ReadOptions
from tests.helpers.archives import list_extents, parquet, tarred, zipped

OPTIONS = ReadOptions(columns=("text",), block_bytes=700, extent_bytes=2000)
CHANCE = random.Random(11)
TEXTS = [f"{number} {CHANCE.getrandbits(160):x}" for number in range(200)]


def csv(texts: list[str]) -> bytes:
    return "".join(f"{text}\n" for text in ["text", *texts]).encode()


# Small, large and empty files in turn, of every kind; and the rows of each.
FILES = {
    "a.csv": (csv(TEXTS), 200),
    "b.csv": (csv(TEXTS[:3]), 3),
    "c.csv": (b"", 0),
    "d.jsonl": ("".join(f'{{"text": "{text}"}}\n' for text in TEXTS).encode(), 200),
    "e.csv.gz": (gzip.compress(csv(TEXTS)), 200),
    "f.csv.gz": (gzip.compress(csv(TEXTS[:2])), 2),
    "g.zip": (zipped({f"{part}.csv": csv(TEXTS[part * 40 :][:40]) for part in range(5)}), 200),
    "h.parquet": (parquet({"text": TEXTS}, rows_per_group=30), 200),
    "i.parquet": (parquet({"text": TEXTS[:1]}), 1),
    "j.tar": (tarred({"1.csv": csv(TEXTS[:100]), "2.csv": csv(TEXTS[100:])}), 200),
    "k.tgz": (gzip.compress(tarred({"1.csv": csv(TEXTS[:100]), "2.csv": csv(TEXTS[100:])})), 200),
    # One reject each.
    "l.zip": (zipped({"1.csv": csv(TEXTS)})[:-9], 1),
    "m.csv": (b"SQLite format 3\0" + bytes(3000), 1),
    "n.csv": (b"", 0),
}


@pytest.fixture
def found(tmp_path, monkeypatch) -> list[FoundFile]:
    """The files, and the list of them in `out`; a range of a text file is shorter than an extent."""
    monkeypatch.setattr(large_files, "RANGE_BYTES", 1500)
    (tmp_path / "in").mkdir()
    for name, (content, _) in FILES.items():
        (tmp_path / "in" / name).write_bytes(content)
    listed = found_files.find([f"{tmp_path}/in/*"])[0]
    inputs.write(str(tmp_path / "out"), listed)
    return listed


def check_chain(listed: list[Extent], end: Position) -> None:
    assert [extent.begin for extent in listed] == sorted(extent.begin for extent in listed)
    assert listed[0].begin == Position(0)
    assert [extent.next for extent in listed] == [*(extent.begin for extent in listed[1:]), end]


def listed_by_a_job(tmp_path, expected: list[Extent], **more) -> None:
    with test_pipeline.TestPipeline() as root:
        listed = root | ListExtents(str(tmp_path / "out"), OPTIONS, **more)
        assert_that(listed, equal_to(expected))


def test_extents_follow_each_other_and_hold_every_row(found, tmp_path):
    listed = list_extents(found, OPTIONS)
    check_chain(listed, Position(len(FILES)))
    counts = dict.fromkeys(FILES, 0)
    chain = []
    for extent in listed:
        for block in read_extents.read(extent, OPTIONS):
            for label, (rows, rejected) in block.count_by_file().items():
                counts[label.split("/")[-1].split(":")[0]] += rows + rejected
            chain.append((block.extent, block.next_extent))
    assert counts == {name: rows for name, (_, rows) in FILES.items()}
    # While they are read, what is compressed becomes several.
    ends = [(extent, end) for extent, end in chain if end is not None]
    assert [extent for extent, _ in ends] == [Position(0), *(end for _, end in ends[:-1])]
    assert ends[-1][1] == Position(len(FILES))
    assert len(ends) > len(listed)
    listed_by_a_job(tmp_path, listed)


def test_kinds_of_large_files_are_cut_as_they_can_be_read(found):
    by_file = dict.fromkeys(FILES, 0)
    for extent in list_extents(found, OPTIONS):
        for index in {file.index for file in (*(span.file for span in extent.spans), *extent.found)}:
            by_file[found[index].path.split("/")[-1]] += 1
    counts = {name: by_file[name] for name in ("b.csv", "e.csv.gz", "j.tar", "k.tgz", "l.zip", "m.csv")}
    # What nothing can enter in the middle is one extent.
    assert set(counts.values()) == {1}
    assert {name: count > 1 for name, count in by_file.items() if name not in counts} == {
        "a.csv": True,
        "c.csv": False,
        "d.jsonl": True,
        "f.csv.gz": False,
        "g.zip": True,
        "h.parquet": True,
        "i.parquet": False,
        "n.csv": False,
    }


def test_what_was_scanned_is_kept_for_the_next_reading(found, tmp_path, monkeypatch):
    listed = list_extents(found, OPTIONS)
    saved = str(tmp_path / "out/.tmp")
    listed_by_a_job(tmp_path, listed, saved_in=saved)
    assert [large_files.saved(saved, index) is not None for index in range(4)] == [True, False, False, True]

    def scan(*_):
        raise AssertionError("it is scanned again")

    monkeypatch.setattr(large_files, "scan_range", scan)
    listed_by_a_job(tmp_path, listed, saved_in=saved)


def test_a_round_has_extents_of_its_own_and_those_before_are_left_out(found, tmp_path):
    """Files that are added to an archive change none of its extents."""
    rounds = [list_extents(part, OPTIONS) for part in (found[:2], found[2:5], found[5:])]
    every = list(itertools.chain(*rounds))
    check_chain(every, Position(len(FILES)))
    listed_by_a_job(tmp_path, every, rounds=(0, 2, 5))
    listed_by_a_job(tmp_path, rounds[2], rounds=(0, 2, 5), first=5)


def test_blocks_come_once_and_those_of_extents_that_are_done_do_not(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(csv(["good"] * 10)))
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "fine"}\n' * 4)
    inputs.write(str(tmp_path / "out"), found_files.find([f"{tmp_path}/*.*"])[0])
    options = ReadOptions(columns=("text",), block_bytes=25, extent_bytes=50)
    expected = {Position(0): 9, Position(0, 0, 50): 1, Position(1): 3, Position(1, 0, 51): 1}

    def rows(extent: Extent, done: list[Position]) -> list[tuple[Position, int]]:
        return [(block.extent, block.rows_read) for block in read_extents.read(extent, options, done.__contains__)]

    for done in ([], [Position(0)], [Position(0, 0, 50), Position(1)]):
        with test_pipeline.TestPipeline() as root:
            listed = root | ListExtents(str(tmp_path / "out"), options)
            counted = listed | beam.FlatMap(rows, done) | beam.CombinePerKey(sum)
            assert_that(counted, equal_to([pair for pair in expected.items() if pair[0] not in done]))
