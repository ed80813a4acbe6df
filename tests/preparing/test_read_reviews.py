"""The first reading gives the reviews of an extent, and writes what it rejects as one file."""

import functools
import gzip
import json
import os
import pathlib

import pytest

from beam_pipelines.archive.positions import extent_name
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.files import storage
from beam_pipelines.preparing.read_reviews import ReadReviews
from beam_pipelines.preparing.reviews import RatingRules, Reviews, rated_reviews
from tests.helpers.archives import found_file, list_extents

RULES = RatingRules(text_column="text", scale=Scale(0, 100), score_column="score", id_column="id")


def rows_of(count: int, rejected: set[int]) -> bytes:
    """Rated rows, of which some have no text."""
    lines = [f"r{number},{'' if number in rejected else 'fine'},{number % 100}" for number in range(count)]
    return "\n".join(["id,text,score", *lines, ""]).encode()


def step_of(
    folder: pathlib.Path, *, digits: int = 6, with_raw: bool = True, prefix: str = "", **sizes: int
) -> ReadReviews:
    options = ReadOptions(columns=("text", "id", "score"), **sizes)
    reviews_of = functools.partial(rated_reviews, rules=RULES)
    return ReadReviews(options, reviews_of, folder=str(folder), with_raw=with_raw, index_digits=digits, prefix=prefix)


def read(step: ReadReviews, path: pathlib.Path, content: bytes) -> list[Reviews]:
    extents = list_extents([found_file(path, content)], step.read_options)
    return [reviews for extent in extents for reviews in step.process(extent)]


def rejects(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.open()]


@pytest.mark.parametrize("block_bytes", [60, 1 << 20])
def test_the_rejects_of_an_extent_are_one_file_however_many_blocks_it_has(tmp_path, block_bytes):
    content = rows_of(40, {3, 17, 39})
    found = read(step_of(tmp_path / "out", block_bytes=block_bytes), tmp_path / "a.csv", content)
    assert (len(found) > 5) == (block_bytes == 60)
    assert [name for reviews in found for name in reviews.ids] == [f"r{n}" for n in range(40) if n not in (3, 17, 39)]
    [path] = (tmp_path / "out/rejected").iterdir()
    assert path.name == "000000-00000000-000000000000000.jsonl"
    assert [(reject["place"], reject["reason"]) for reject in rejects(path)] == [
        (5, "empty_text"),
        (19, "empty_text"),
        (41, "empty_text"),
    ]


def test_each_extent_has_a_file_of_its_own_and_one_without_rejects_has_none(tmp_path):
    """Also where one compressed file is cut into several."""
    step = step_of(tmp_path / "out", digits=7, block_bytes=100, extent_bytes=400)
    found = read(step, tmp_path / "a.csv.gz", gzip.compress(rows_of(100, {1, 2, 95})))
    extents = list(dict.fromkeys(extent_name(reviews.extent, 7) for reviews in found))
    assert len(extents) == 3
    paths = sorted((tmp_path / "out/rejected").iterdir())
    assert [path.stem for path in paths] == [extents[0], extents[-1]]
    assert extents[0] == "0000000-00000000-000000000000000"
    assert [[reject["place"] for reject in rejects(path)] for path in paths] == [[3, 4], [97]]


def test_rejects_of_another_archive_have_files_of_their_own(tmp_path):
    step = step_of(tmp_path / "out", prefix="unrated-")
    read(step, tmp_path / "a.csv", rows_of(3, {1}))
    assert [path.name for path in (tmp_path / "out/rejected").iterdir()] == [
        "unrated-000000-00000000-000000000000000.jsonl"
    ]


def test_rejects_tell_no_text_where_that_is_asked(tmp_path):
    read(step_of(tmp_path / "out", with_raw=False), tmp_path / "a.csv", rows_of(3, {1}))
    [path] = (tmp_path / "out/rejected").iterdir()
    assert rejects(path)[0]["raw"] is None


def test_a_reading_that_ends_early_leaves_no_half_file(tmp_path):
    step = step_of(tmp_path / "out", block_bytes=60)
    content = rows_of(40, {0, 39})
    [extent] = list_extents([found_file(tmp_path / "a.csv", content)], step.read_options)
    reading = step.process(extent)
    next(reading)
    assert len(storage.listing(str(tmp_path / "out"))) == 1
    reading.close()
    assert storage.listing(str(tmp_path / "out")) == []
    assert len(list(step.process(extent))) > 5
    assert [os.path.dirname(name) for name in storage.listing(str(tmp_path / "out"))] == ["rejected"]


def test_a_file_that_is_damaged_gives_the_rows_before_and_one_reject(tmp_path):
    content = gzip.compress(rows_of(20_000, set()))[:-9_000]
    found = read(step_of(tmp_path / "out", block_bytes=20_000, extent_bytes=1 << 20), tmp_path / "a.csv.gz", content)
    kept = [name for reviews in found for name in reviews.ids]
    assert kept == [f"r{number}" for number in range(len(kept))]
    assert 1000 < len(kept) < 20_000
    [reject] = [reject for path in (tmp_path / "out/rejected").iterdir() for reject in rejects(path)]
    assert (reject["reason"], reject["file"]) == ("damaged_file", str(tmp_path / "a.csv.gz"))
    assert "damaged behind uncompressed byte " in reject["raw"]
    assert sum(reviews.unread_bytes for reviews in found) < 9_000
