"""ScoreReviews in a pipeline of one's own: the scores of the SavedModel, each row once."""

import apache_beam as beam
import pandas as pd
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that

from beam_pipelines.errors import UserError
from beam_pipelines.scoring import ScoreReviews
from tests.helpers.exports import serve, version


def batches(rows, size: int = 30) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist(rows[start : start + size]) for start in range(0, len(rows), size)]


def run(elements, check=None, **how):
    """Runs the step and checks its two collections."""
    with beam.Pipeline(runner="FnApiRunner") as root:
        scored = root | beam.Create(elements) | ScoreReviews(text_column="text", **how)
        assert_that(scored.scores, lambda found: check(pa.Table.from_batches(found).to_pylist(), None), label="scores")
        assert_that(scored.rejects, lambda found: check(None, found), label="rejects")


def test_the_rows_come_out_once_with_the_scores_of_the_saved_model(rows, cnn):
    given = [dict(row) for row in rows[:100]]
    given[3]["text"], given[50]["text"] = None, " \n"
    expected = serve(version(cnn), [row["text"] or "" for row in given])["score"]

    def check(scores, rejects):
        if rejects is not None:
            found = {(one["reason"], one["row"]["id"]) for one in rejects}
            assert found == {("missing_text", "r3"), ("empty_text", "r50")}
            return
        by_id = pd.DataFrame(scores).set_index("id")
        assert len(by_id) == 98
        for place, row in enumerate(given):
            if place not in (3, 50):
                assert by_id.loc[row["id"], "score"] == pytest.approx(expected[place], abs=1e-3)
                assert by_id.loc[row["id"], "stars"] == row["score"]

    run(batches(given), check, model=str(cnn), keep_columns="id,stars=score:float64")


def test_text_that_is_no_utf8_is_rejected(cnn):
    """An array may say that it holds text and hold other bytes."""
    raw = pa.array([b"good", b"caf\xe9 nice", None, b"boring"], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 4, raw.buffers())
    batch = pa.RecordBatch.from_arrays([texts, pa.array([0, 1, 2, 3])], names=["text", "n"])

    def check(scores, rejects):
        if scores is not None:
            assert [row["n"] for row in scores] == [0, 3]
        else:
            found = [(one["reason"], one["row"]["text"], one["row"]["n"]) for one in rejects]
            assert sorted(found) == [("invalid_utf8", "caf\\xe9 nice", 1), ("missing_text", None, 2)]

    for engine in ("saved_model", "compiled"):
        run([batch], check, model=str(cnn), keep_columns="n", engine=engine)


def test_a_clash_or_a_missing_column_is_told(rows, cnn):
    for how, sentence in [
        ({"keep_columns": "*"}, "other columns of the scores have the names of these: 'score'"),
        ({"keep_columns": "id", "text_column": "body"}, "a batch has no column 'body'; it has: id, title, score, text"),
        ({"keep_columns": "id", "text_column": "score"}, "the column 'score' of a batch is int64, not text"),
    ]:
        how = {"text_column": "text", **how}
        with pytest.raises((UserError, RuntimeError), match=sentence), beam.Pipeline(runner="FnApiRunner") as root:
            _ = root | beam.Create(batches(rows)) | ScoreReviews(model=str(cnn), **how)


def test_a_model_that_is_not_there_is_told_before_the_pipeline_runs(tmp_path):
    with pytest.raises(UserError, match="^model .* holds no exported model"):
        _ = beam.Pipeline() | beam.Create([]) | ScoreReviews(model=str(tmp_path), text_column="text")


def test_the_class_comes_from_the_package_and_nothing_else_does():
    import beam_pipelines.scoring

    with pytest.raises(AttributeError, match="has no attribute 'ScoreReview'"):
        _ = beam_pipelines.scoring.ScoreReview
