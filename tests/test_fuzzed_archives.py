"""Whatever an archive holds, no job breaks on it, and every row is scored once or rejected once."""

import io
import json
import pathlib
import random
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines import score
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError
from beam_pipelines.scoring import output_columns, score_rows, shards
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.output_formats import TableWriter
from beam_pipelines.scoring.score_rows import RowOptions
from tests.helpers.archives import find_files, input_file, parquet, read_all, rejects_of, unseen_file

HEADERS = {"csv": b"text,n\n", "tsv": b"text\tn\n", "jsonl": b""}
BYTES = [
    b'"',
    b'""',
    b",",
    b"\t",
    b"\n",
    b"\r\n",
    b"\r",
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xc3\xa9",
    b" ",
    b"'",
    b"\\",
    b"{",
]
BYTES += [b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b"\xc2\xa0", b"}", b"[", b"1e999", b"NaN", b"null"]
LINES = [
    b"good,1\n",
    b"=1+1,@x\n",
    b"a" * 300,
    b'"quoted, with ""quotes""\nand newlines",2\n',
    b'{"text": "good", "n": 1}\n',
    b'{"text": null}\n',
    b'{"text": 7}\n',
    b'{"text": ["a"]}\n',
    b'{"text": {"a": 1}}\n',
    b'{"text": "\\ud83d"}\n',
    b'{"n": "\\u0000"}\n',
]
PIECES = BYTES + LINES
content = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=25).map(b"".join)
values = st.none() | st.text(max_size=20) | st.binary(max_size=20) | st.sampled_from([b"\xff", b"good", b"", b" "])
often = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Lengths:
    """A scorer that takes no time: the score is the length of the text."""

    def score(self, texts: pa.Array, metrics: EngineMetrics) -> dict:
        lengths = np.array([len(text.encode()) for text in texts.to_pylist()], np.float32)
        return {"score": lengths, "tokens": lengths.astype(np.int64)}


def write(table: pa.Table, output_format: str) -> bytes:
    writer = TableWriter(sink := io.BytesIO(), output_format)
    writer.write(table)
    writer.close()
    return sink.getvalue()


def check(file, columns, size: int, empty_text: str) -> int:
    """Scores a file's rows and checks that each is there once; returns how many there are."""
    carried = tuple(CarriedColumn(f"kept_{name}", name) for name in columns)
    total, places = 0, []
    for block in read_all(file, columns, size=size, max_row_bytes=200):
        options = RowOptions(text_column="text", empty_text=empty_text)
        found = score_rows.score_rows(Lengths(), block.rows, carried, options)
        after = block.reject(found.reasons)
        assert after.rows_read == block.rows_read == len(found.results["score"]) + len(after.rejects)
        places += [*after.row_numbers.tolist(), *(reject.row_number for reject in after.rejects)]
        total += block.rows_read
        table = output_columns.score_table(found.carried, found.results, 1, Scale(0, 100))
        for output_format in shards.FORMATS:
            write(table, output_format)
        assert all(reject.reason and len(reject.raw) <= 2000 for reject in after.rejects)
    assert len(set(places)) == total
    return total


def why_refused(path: str) -> str | None:
    """Why a file is rejected as a whole: its first bytes are not those of a file of rows."""
    try:
        find_files(path)
    except UserError as error:
        return str(error)
    return None


def check_text(tmp_path, format: str, content: bytes, size: int, empty_text: str) -> None:
    file = unseen_file(tmp_path / f"a.{format}", HEADERS[format] + content)
    if refused := why_refused(file.path):
        [block] = read_all(file, ("text", "n"), size=size)
        [(row_number, reason, raw)] = rejects_of(block)
        assert (block.rows.num_rows, row_number) == (0, 0)
        # Some bytes begin as a .zip does, which then is damaged.
        assert raw == refused if reason == "unreadable_file" else reason == "damaged_file" and refused in raw
        return
    total = check(file, ("text", "n"), size, empty_text)
    if format == "jsonl":
        without_marks = re.sub(rb"^(?:\xef\xbb\xbf)+", b"", content)
        assert total == sum(not is_blank(line) for line in without_marks.split(b"\n"))


sizes, empty_texts = st.sampled_from([1, 50, 1 << 20]), st.sampled_from(["reject", "score"])


@pytest.mark.parametrize("format", HEADERS)
@settings(often, max_examples=200)
@given(content, sizes, empty_texts)
def test_any_bytes_after_the_header(tmp_path, format, content, size, empty_text):
    check_text(tmp_path, format, content, size, empty_text)


@pytest.mark.slow
@pytest.mark.parametrize("format", HEADERS)
@settings(often, max_examples=3000)
@given(content, sizes, empty_texts)
def test_thousands_of_cases_of_any_bytes_after_the_header(tmp_path, format, content, size, empty_text):
    check_text(tmp_path, format, content, size, empty_text)


def is_blank(line: bytes) -> bool:
    """Tells whether a line of JSON lines is none, but for what may stand before a JSON text."""
    return len(line) <= 200 and not line.decode("utf-8", "replace").lstrip("\ufeff\x1e").strip()


@settings(often, max_examples=300)
@given(st.lists(values, max_size=20), st.sampled_from(["string", "binary", "large_binary"]))
def test_any_bytes_in_parquet(tmp_path, texts, kind):
    raw = pa.array([text.encode() if isinstance(text, str) else text for text in texts], pa.binary())
    lying = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers()) if kind == "string" else raw.cast(kind)
    file = input_file(tmp_path / "a.parquet", parquet({"text": lying, "n": raw}, rows_per_group=7))
    assert check(file, ("text", "n"), 40, "reject") == len(texts)


def test_a_job_over_a_thousand_broken_files(cnn, tmp_path):
    """All the ways to break a file at once, through the whole job."""
    chance = random.Random(5)
    (tmp_path / "in").mkdir()
    for place in range(1000):
        format = chance.choice(list(HEADERS))
        pieces = [chance.choice(PIECES) for _ in range(chance.randrange(12))]
        start = b'{"text": "fine", "n": 1}\n' if format == "jsonl" else HEADERS[format]
        (tmp_path / f"in/{place:03d}.{format}").write_bytes(
            start + b"".join(pieces) + chance.randbytes(chance.randrange(9))
        )
    flags = ["--text_column=text", "--keep_columns=n", "--max_rejected_share=1", "--output_format=jsonl"]
    where = [f"--input={tmp_path}/in/*", f"--model={cnn}", f"--output={tmp_path}/out"]
    assert score.main([*where, *flags]) == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    scored = [json.loads(line) for path in sorted((tmp_path / "out/scores").iterdir()) for line in path.open("rb")]
    rejected = [json.loads(line) for path in (tmp_path / "out/rejected").iterdir() for line in path.open("rb")]
    assert summary["rows_read"] == len(scored) + len(rejected) > 2000
    assert len({one["id"] for one in scored}) == len(scored)
    by_file = pd.Series([pathlib.Path(one["file"]).name for one in rejected]).value_counts()
    for path, counts in summary["by_file"].items():
        assert counts["rows_read"] == counts["rows_scored"] + counts["rows_rejected"]
        assert counts["rows_rejected"] == by_file.get(pathlib.Path(path).name, 0)
    assert sum(summary["rejected_by_reason"].values()) == len(rejected)
