"""How two models are compared, by exact values."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from serving.checking import comparison, comparison_report
from serving.checking.comparison import Comparison, Errors
from serving.checking.gate_settings import GateSettings
from serving.checking.sample_reviews import SampleReviews
from tests.helpers.exports import serve, version


def test_paired_errors_know_what_chance_explains():
    true = np.array([10.0, 20, 30, 40])
    errors = comparison.paired_errors(true + 1, true + np.array([2, 2, 4, 4]), true)
    assert (errors.old, errors.new) == (1, 3)
    assert errors.standard_error == pytest.approx(np.std([1, 1, 3, 3], ddof=1) / 2)
    assert errors.is_worse
    assert not comparison.paired_errors(true + np.array([0, 0, 0, 9]), true + np.array([9, 0, 0, 1]), true).is_worse
    assert not comparison.paired_errors(true + 3, true + 1, true).is_worse
    # What is worse everywhere by the same amount is no chance.
    assert comparison.paired_errors(true + 1, true + 2, true).is_worse
    # A single review tells nothing.
    assert not comparison.paired_errors(true[:1] + 1, true[:1] + 9, true[:1]).is_worse


@pytest.mark.parametrize(
    ("moved", "clause"),
    [
        ({"mean_shift": -0.05}, "the mean moved by -5.0% of the range (--max_mean_shift 0.03)"),
        ({"rank_correlation": 0.5}, "the rank correlation is 0.500 (--min_rank_correlation 0.9)"),
        ({"moved_share": 0.2}, "20.0% of the scores lie beyond the old interval (--max_moved_share 0.1)"),
    ],
)
def test_what_moves_too_far_is_named_with_its_limit(moved, clause):
    still = Comparison(10, 3.0, 3.0, 0.0, 1.0, 0.0, [], None)
    limits = GateSettings()
    assert comparison.faults(still, limits) == []
    assert comparison.faults(dataclasses.replace(still, **moved), limits) == [clause]


def test_the_same_texts_are_scored_by_both(cnn, trained_once):
    old, new = exports.find(str(cnn)), exports.find(str(trained_once("cnn")))
    texts = ["an excellent record", "a boring terrible disaster", "drums and guitars"]
    sample = SampleReviews(["a:1", "a:2", "a:3"], pa.array(texts), np.array([90.0, 10, 50]))
    compared = comparison.compare(old, new, sample)
    was, becomes = serve(version(cnn), texts), serve(version(trained_once("cnn")), texts)
    assert compared.old_mean == pytest.approx(was["score"].mean(), abs=1e-3)
    assert compared.mean_shift == pytest.approx((becomes["score"] - was["score"]).mean() / 100, abs=1e-5)
    beyond = (becomes["score"] < was["score_low"]) | (becomes["score"] > was["score_high"])
    assert compared.moved_share == pytest.approx(beyond.mean())
    assert compared.errors.new == pytest.approx(np.abs(becomes["score"] - [90, 10, 50]).mean(), abs=1e-3)
    moves = [abs(mover.new - mover.old) for mover in compared.movers]
    assert moves == sorted(moves, reverse=True)
    assert {mover.name for mover in compared.movers} == {"a:1", "a:2", "a:3"}


def test_reviews_that_did_not_move_are_not_listed(cnn, tmp_path):
    export = exports.find(str(cnn))
    compared = comparison.compare(export, export, SampleReviews(["a:1"], pa.array(["good"]), None))
    assert compared.movers == []
    assert not any("moved furthest" in line for line in comparison_report.lines(compared, export))
    comparison_report.write(str(tmp_path / "gate.html"), export, export, compared, [])
    assert "moved furthest" not in (tmp_path / "gate.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["gate.html"]


def test_a_report_leaves_alone_what_else_is_in_its_folder(cnn, tmp_path):
    export = exports.find(str(cnn))
    mine = tmp_path / ".tmp/mine/notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    compared = Comparison(1, 10.0, 10.0, 0.0, 1.0, 0.0, [], None)
    comparison_report.write(str(tmp_path / "gate.html"), export, export, compared, [])
    assert [path.name for path in mine.parent.parent.iterdir()] == ["mine"]
    assert mine.read_text() == "mine"


def test_another_scale_is_refused(cnn):
    old = exports.find(str(cnn))
    new = dataclasses.replace(old, info=dataclasses.replace(old.info, score_max=5.0))
    with pytest.raises(UserError, match="scores from 0 to 5, and .* from 0 to 100: whoever reads the scores has to"):
        comparison.compare(old, new, SampleReviews(["a:1"], pa.array(["good"]), None))


def test_the_report_shows_texts_as_text(cnn, tmp_path):
    export = exports.find(str(cnn))
    mover = comparison.Mover("a.csv:2", "<script>alert(1)</script>", 10.0, 90.0)
    compared = Comparison(1, 10.0, 90.0, 0.8, 0.0, 1.0, [mover], Errors(1.0, 2.0, 0.1))
    comparison_report.write(str(tmp_path / "gate.html"), export, export, compared, ["the mean moved"])
    page = (tmp_path / "gate.html").read_text()
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "It does not pass: the mean moved." in page
