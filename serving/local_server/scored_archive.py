"""Scores the rows of a dropped file and writes them as CSV, a part at a time."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

import numpy as np

from beam_pipelines.artifacts.exports import EXACT_RESULTS, SCORE, SCORES
from serving.local_server.failures import Failure
from serving.local_server.servable import Servable
from serving.local_server.uploaded_archive import Row, Table
from serving.local_server.workers import Workers

# So many rows are scored at a time, and others' requests between them.
CHUNK_ROWS = 32
RESULTS = (*SCORES, *EXACT_RESULTS)
REJECTED = "rejected"
FAILED = "scoring_failed"
# While all places are taken, a file waits for one.
WAIT_S = 0.1


async def scored_csv(table: Table, servable: Servable, workers: Workers) -> AsyncIterator[bytes]:
    """Yields the file with the results behind its own columns: UTF-8, its rows in order, none left out.

    Args:
      table: The file.
      servable: The version that scores it.
      workers: Where it does so.
    """
    yield _csv([[*table.header, *_names(table.header)]], table.delimiter)
    for start in range(0, len(table.rows), CHUNK_ROWS):
        rows = table.rows[start : start + CHUNK_ROWS]
        yield await _run_patiently(workers, _scored_chunk, rows, servable, table.delimiter)


def _names(header: Sequence[str]) -> list[str]:
    """The names of the new columns; "model_" stands before one that the file has already."""
    names = []
    for name in (*RESULTS, REJECTED):
        while name in header:
            name = f"model_{name}"
        names.append(name)
    return names


async def _run_patiently(workers: Workers, *call) -> bytes:
    while True:
        try:
            return await workers.run(*call)
        except Failure as failure:
            if failure.code != "UNAVAILABLE":
                raise
        await asyncio.sleep(WAIT_S)


def _scored_chunk(rows: list[Row], servable: Servable, delimiter: str) -> bytes:
    results = iter(_results([row.text for row in rows if not row.reason], servable))
    written = []
    for row in rows:
        found, reason = ([""] * len(RESULTS), row.reason) if row.reason else next(results)
        written.append([*row.cells, *found, reason])
    return _csv(written, delimiter)


def _results(texts: list[str], servable: Servable) -> list[tuple[list[str], str]]:
    """Scores texts; one that fails, by itself, has the reason for it in place of the results."""
    if not texts:
        return []
    try:
        outputs = servable.run(SCORE, {"text": [text.encode("utf-8", "replace") for text in texts]}, RESULTS)
    except Failure:
        if len(texts) == 1:
            return [([""] * len(RESULTS), FAILED)]
        return [result for text in texts for result in _results([text], servable)]
    columns = [[_written(value) for value in outputs[name]] for name in RESULTS]
    return [(list(row), "") for row in zip(*columns, strict=True)]


def _written(value: np.generic) -> str:
    """A float32 as the shortest number that is the same, as REST does, and true or false."""
    return str(value).lower()


def _csv(rows: Iterable[Sequence[str]], delimiter: str) -> bytes:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return written.getvalue().encode("utf-8", "replace")
