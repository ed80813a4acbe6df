"""A file comes back with the results of each row behind its own cells, whatever a text does to the model."""

import asyncio
import csv
import io

import numpy as np
import pytest

from serving.local_server.failures import Failure
from serving.local_server.scored_archive import scored_csv
from serving.local_server.uploaded_archive import Row, Table
from serving.local_server.workers import Workers


class Lengths:
    """Stands for a version whose score is the length of the text, and which fails for "bad"."""

    version = 7

    def __init__(self):
        self.batches: list[int] = []

    def run(self, signature, inputs, names):
        (texts,) = inputs.values()
        self.batches.append(len(texts))
        if b"bad" in texts:
            raise Failure("INTERNAL", "score has a value that is no finite number")
        lengths = np.array([len(text) for text in texts], np.float32) / 10
        return dict.fromkeys(names, lengths) | {"truncated": lengths > 1, "tokens": lengths.astype(int)}


def scored(rows: list[Row], header=("id", "text"), delimiter: str = ",", workers: Workers | None = None) -> list:
    async def read() -> bytes:
        return b"".join([part async for part in scored_csv(Table(header, delimiter, rows), model, used)])

    model, used = Lengths(), workers or Workers(4)
    try:
        written = asyncio.run(read()).decode()
    finally:
        used.close()
    return list(csv.reader(io.StringIO(written), delimiter=delimiter))


def test_results_stand_behind_the_row_s_own_cells():
    rows = [Row(["1", 'a, "b"\n'], "abc"), Row(["", "broken"], reason="too_few_fields"), Row(["2", "b"], "b" * 12)]
    assert scored(rows) == [
        [*("id", "text", "score", "score_low", "score_high", "tokens", "known_share", "truncated", "rejected")],
        ["1", 'a, "b"\n', "0.3", "0.3", "0.3", "0", "0.3", "false", ""],
        ["", "broken", "", "", "", "", "", "", "too_few_fields"],
        ["2", "b", "1.2", "1.2", "1.2", "1", "1.2", "true", ""],
    ]


def test_a_text_that_fails_costs_no_other_its_score():
    found = scored([Row([str(place), text], text) for place, text in enumerate(["aa", "bad", "b"])])
    assert [(row[2], row[-1]) for row in found[1:]] == [("0.2", ""), ("", "scoring_failed"), ("0.1", "")]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_file_keeps_its_delimiter(delimiter):
    assert scored([Row(["1", "a"], "a")], delimiter=delimiter)[1][:3] == ["1", "a", "0.1"]


def test_a_column_that_the_file_has_already_keeps_its_name():
    header = scored([], header=("score", "model_score", "text"))[0]
    assert header[:4] == ["score", "model_score", "text", "model_model_score"]


def test_a_long_file_is_scored_in_parts_and_keeps_its_order():
    found = scored([Row([str(place), "a"], "a" * place) for place in range(100)])
    assert [row[0] for row in found[1:]] == [str(place) for place in range(100)]
    assert [float(row[2]) for row in found[1:]] == pytest.approx(np.arange(100) / 10)


def test_where_all_places_are_taken_a_file_waits():
    class Busy(Workers):
        refused = 0

        async def run(self, *call):
            self.refused += 1
            if self.refused < 3:
                raise Failure("UNAVAILABLE", "4 requests are in flight already; try again later")
            return await super().run(*call)

    assert scored([Row(["1", "a"], "a")], workers=Busy(4))[1][2] == "0.1"
