"""An archive, a model, and what both jobs make of them in memory: what every engine has to make of them too."""

import bz2
import csv
import gzip
import io
import json
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from tests.helpers.engines import jobs
from tests.helpers.reviews import review

ROWS_PER_FILE, TEXTS = 3000, 1500
UNRATED_ROWS = 150


def some_rows(random: np.random.Generator, file: int) -> list[dict]:
    """Rated reviews, no text twice, many with newlines and quotes; some without a text."""
    scores = random.choice([10, 20, 40, 60, 70, 80, 90, 95, 100], ROWS_PER_FILE).tolist()
    texts = [review(random, score) for score in scores[:TEXTS]]
    return [
        {
            "id": f"f{file}r{row}",
            "score": "" if row % 53 == 5 else score,
            "text": "" if row % 101 == 7 else f"{texts[row % TEXTS]}\nfile{file} number{row} " + texts[row * 7 % TEXTS],
        }
        for row, score in enumerate(scores)
    ]


def as_csv(rows: list[dict]) -> bytes:
    """A CSV, of which some rows are broken: with too many fields, not valid UTF-8, or with a quote left open."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    broken = b"x1,10,one,too many\r\nx2,20,not \xff valid\r\n"
    return file.getvalue().encode() + broken + b'x3,30,"still open\r\n'


def as_json_lines(rows: list[dict]) -> bytes:
    lines = [json.dumps(row) for row in rows]
    lines.insert(50, '{"id": "broken", ')
    return "\n".join(lines).encode()


@pytest.fixture(scope="session")
def dump(tmp_path_factory) -> pathlib.Path:
    """Some megabytes in files of several kinds, three of them compressed."""
    random, folder = np.random.default_rng(5), tmp_path_factory.mktemp("dump")
    kinds = {
        "a.csv": as_csv,
        "b.csv": as_csv,
        "c.csv.gz": lambda rows: gzip.compress(as_csv(rows), mtime=0),
        "d.jsonl": as_json_lines,
        "e.jsonl.gz": lambda rows: gzip.compress(as_json_lines(rows), mtime=0),
        "f.csv": as_csv,
        "g.csv.bz2": lambda rows: bz2.compress(as_csv(rows)),
        "h.jsonl": as_json_lines,
    }
    for index, (name, write) in enumerate(kinds.items()):
        (folder / name).write_bytes(write(some_rows(random, index)))
    return folder


def score_flags(dump: pathlib.Path, model: pathlib.Path, output: pathlib.Path) -> list[object]:
    where = ["--input", f"{dump}/*", "--model", model, "--output", output]
    return [*where, "--text_column=text", "--id_column=id", "--keep_columns=true=score", "--max_rejected_share=1"]


def preprocess_flags(dump: pathlib.Path, glove: pathlib.Path, output: pathlib.Path) -> list[object]:
    # Rows without a score are the unrated texts of the same archive.
    unrated = ["--unrated", f"{dump}/*", "--unrated_rows", UNRATED_ROWS]
    where = ["--input", f"{dump}/*", "--embeddings", glove, "--output", output]
    return [*where, *unrated, "--text_column=text", "--id_column=id", "--score_column=score", "--max_rejected_share=1"]


@pytest.fixture(scope="session")
def scored_in_memory(dump, cnn, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("scored-in-memory")
    jobs.run(folder / "log", "beam_pipelines.score", *score_flags(dump, cnn, folder / "out"))
    return folder / "out"


@pytest.fixture(scope="session")
def prepared_in_memory(dump, glove, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("prepared-in-memory")
    jobs.run(folder / "log", "beam_pipelines.preprocess", *preprocess_flags(dump, glove, folder / "out"))
    return folder / "out"


@pytest.fixture
def scores_as_in_memory(dump, cnn, scored_in_memory, tmp_path) -> Callable[..., None]:
    """Scores the archive with some more flags, and compares all that is written with what it is in memory."""

    def check(*flags: object) -> None:
        output = tmp_path / "scored"
        jobs.run(tmp_path / "score.log", "beam_pipelines.score", *score_flags(dump, cnn, output), *flags)
        same_scores(output, scored_in_memory)

    return check


@pytest.fixture
def prepares_as_in_memory(dump, glove, prepared_in_memory, tmp_path) -> Callable[..., None]:
    """The same of preprocess."""

    def check(*flags: object) -> None:
        output, log = tmp_path / "prepared", tmp_path / "preprocess.log"
        jobs.run(log, "beam_pipelines.preprocess", *preprocess_flags(dump, glove, output), *flags)
        same_examples(output, prepared_in_memory)

    return check


def same_scores(output: pathlib.Path, expected: pathlib.Path) -> None:
    names = ("scores", "rejected")
    assert jobs.contents(output, *names) == jobs.contents(expected, *names)
    assert jobs.counts(output / "summary.json") == jobs.counts(expected / "summary.json")


def same_examples(output: pathlib.Path, expected: pathlib.Path) -> None:
    names = ("train", "validation", "test", "unrated", "rejected")
    assert jobs.contents(output, *names) == jobs.contents(expected, *names)
    assert (output / "vectors.npy").read_bytes() == (expected / "vectors.npy").read_bytes()
    assert jobs.counts(output / "statistics.json") == jobs.counts(expected / "statistics.json")
