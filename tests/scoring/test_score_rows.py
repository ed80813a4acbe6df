"""A row that the model cannot score costs itself and no other."""

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.scoring import score_rows
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.score_rows import RowOptions

NUMBERS = (CarriedColumn("n", "n"),)
TEXTS = [None, "fine", "poison", " ", "dull", "", "poison too", "good"]


class Fragile:
    """A scorer that fails on a batch with a poisonous text, and counts its calls."""

    def __init__(self):
        self.calls = 0

    def score(self, texts: pa.Array, metrics: EngineMetrics) -> dict:
        self.calls += 1
        metrics.add_batch(tokens=len(texts), slots=len(texts))
        if any("poison" in text for text in texts.to_pylist()):
            raise ValueError("cannot swallow it")
        return {
            "score": np.array([len(text) for text in texts.to_pylist()], np.float32),
            "tokens": np.zeros(len(texts)),
        }

    def explain(self, texts: pa.Array, tokens, metrics: EngineMetrics) -> dict:
        return {"reasons": [[{"phrase": text, "points": 1.0}] for text in texts.to_pylist()]}


def score(texts, scorer=None, carried=NUMBERS, **how):
    batch = pa.record_batch({"text": pa.array(texts, pa.string()), "n": pa.array(range(len(texts)))})
    return score_rows.score_rows(scorer or Fragile(), batch, carried, RowOptions(text_column="text", **how))


@pytest.mark.parametrize("explain", [False, True])
def test_the_rows_that_fail_alone_are_rejected(explain):
    found = score(TEXTS, explain=explain)
    assert found.reasons == {
        0: "missing_text",
        2: "scoring_failed_ValueError",
        3: "empty_text",
        5: "empty_text",
        6: "scoring_failed_ValueError",
    }
    assert found.carried["n"].to_pylist() == [1, 4, 7]
    assert found.metrics.tokens == 3
    assert found.results["score"].tolist() == [4, 4, 4]
    if explain:
        assert [reason["phrase"] for [reason] in found.results["reasons"]] == ["fine", "dull", "good"]


def test_an_empty_text_may_be_scored():
    found = score(TEXTS, empty_text="score")
    assert sorted(found.reasons) == [2, 6]
    assert found.results["score"].tolist() == [0, 4, 1, 4, 0, 4]


def test_one_bad_row_of_a_thousand_costs_few_calls():
    scorer = Fragile()
    texts = ["fine"] * 1000
    texts[637] = "poison"
    assert list(score(texts, scorer).reasons) == [637]
    assert scorer.calls < 30


class Numberless(Fragile):
    """One that gives no number for some texts, in a result, besides failing on poisonous ones."""

    def __init__(self, name: str, value: float):
        super().__init__()
        self._name, self._value = name, value

    def score(self, texts: pa.Array, metrics: EngineMetrics) -> dict:
        results = {
            **super().score(texts, metrics),
            "score_low": np.zeros(len(texts)),
            "score_high": np.ones(len(texts)),
        }
        return self._spoilt(results, texts)

    def explain(self, texts: pa.Array, tokens, metrics: EngineMetrics) -> dict:
        points = [self._value if self._name == "points" and "damaged" in text else 1.0 for text in texts.to_pylist()]
        reasons = [[{"phrase": "it", "points": of_row}] for of_row in points]
        return self._spoilt({"reasons": reasons, "explained_score": [0.0] * len(texts)}, texts)

    def _spoilt(self, results: dict, texts: pa.Array) -> dict:
        for row, text in enumerate(texts.to_pylist()):
            if "damaged" in text and self._name in results:
                results[self._name][row] = self._value
        return results


@pytest.mark.parametrize("name", ["score", "score_low", "score_high", "explained_score", "points"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_score_that_is_not_finite_leaves(name, value):
    texts = ["fine", "damaged", "poison", "good", "damaged too", None]
    found = score(texts, Numberless(name, value), explain=True)
    assert found.reasons == {
        1: "scoring_failed",
        2: "scoring_failed_ValueError",
        4: "scoring_failed",
        5: "missing_text",
    }
    assert found.carried["n"].to_pylist() == [0, 3]
    assert found.results["score"].tolist() == [4, 4]
    assert found.results["explained_score"] == [0, 0]
    assert found.metrics.tokens == 2  # Those of the rows with a score.


def test_a_block_without_any_finite_score():
    found = score(["damaged"] * 3, Numberless("score", np.nan))
    assert found.reasons == dict.fromkeys(range(3), "scoring_failed")
    assert found.results["score"].tolist() == []


def test_a_block_of_bad_rows_alone():
    found = score(["poison"] * 5)
    assert len(found.reasons) == 5
    assert found.results["score"].tolist() == []


def test_a_row_whose_kept_value_has_not_the_type():
    found = score(["fine", "good"], carried=(CarriedColumn("t", "text", "int64"),))
    assert found.reasons == {0: "not_int64", 1: "not_int64"}
    assert found.carried["t"].to_pylist() == []
