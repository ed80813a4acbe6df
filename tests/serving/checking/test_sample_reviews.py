"""The sample of a gate is read as the training archive was, or as the flags say."""

import json

import pytest

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from serving.checking import sample_reviews
from serving.checking.gate_settings import GateSettings


@pytest.fixture(scope="module")
def info(cnn):
    return exports.find(str(cnn)).info


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    monkeypatch.setattr(sample_reviews, "MIN_REVIEWS", 1)


def read(info, path, **flags):
    return sample_reviews.read(GateSettings(sample=(str(path),), **flags), info)


def test_true_scores_are_read_where_there_are_any(info, tmp_path):
    path = tmp_path / "rated.csv"
    path.write_text("text,score\ngood,90\nbad,10\n,50\nunrated,\nout of range,101\n")
    sample = read(info, path)
    assert sorted(zip(sample.texts.to_pylist(), sample.scores.tolist(), sample.names, strict=True)) == [
        ("bad", 10, "rated.csv:3"),
        ("good", 90, "rated.csv:2"),
    ]
    path.write_text("text\ngood\n")
    assert read(info, path).scores is None


def test_a_title_may_hold_the_score(info, tmp_path):
    path = tmp_path / "titles.jsonl"
    path.write_text(json.dumps({"body": "fine", "title": "Band - Album - 85%"}) + "\n")
    sample = read(info, path, text_column="body", title_column="title")
    assert sample.scores.tolist() == [85]


def test_a_sample_is_spread_over_the_archive_and_always_the_same(info, tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("text,score\n" + "".join(f"review {number},50\n" for number in range(500)))
    sample = read(info, path, sample_rows=50)
    rows = sorted(int(text.split()[1]) for text in sample.texts.to_pylist())
    assert len(rows) == 50
    assert rows[0] < 100
    assert rows[-1] > 400
    assert read(info, path, sample_rows=50).names == sample.names


@pytest.mark.parametrize(
    ("content", "flags", "sentence"),
    [
        ("body,score\ngood,9\n", {}, "text"),
        ("text\ngood\n", {"score_column": "stars"}, "stars"),
        ("text,score\n,9\n", {}, "holds 0 rated reviews; fewer than 1 tell too little"),
        ("text,score\ngood,9\n", {"title_column": "t", "score_pattern": "("}, "is no regular expression"),
    ],
)
def test_what_cannot_be_read_is_told(info, tmp_path, content, flags, sentence):
    path = tmp_path / "odd.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=sentence):
        read(info, path, **flags)


def test_few_rated_reviews_tell_too_little(info, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_reviews, "MIN_REVIEWS", 3)
    path = tmp_path / "few.csv"
    path.write_text("text,score\ngood,90\nbad,10\n")
    with pytest.raises(UserError, match="few.csv holds 2 rated reviews; fewer than 3 tell too little"):
        read(info, path)


def test_rated_and_unrated_files_are_not_mixed(info, tmp_path):
    (tmp_path / "rated.csv").write_text("text,score\ngood,90\n")
    (tmp_path / "unrated.csv").write_text("text\ngood\n")
    with pytest.raises(UserError, match="--sample: some files have the column 'score' of scores, and others not"):
        read(info, tmp_path / "*.csv")


def test_a_sample_that_is_not_there_is_named_by_its_flag(info, tmp_path):
    with pytest.raises(UserError, match="^--sample .*/none.csv matches no file"):
        read(info, tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ({"sample_rows": 29}, "--sample_rows 29: give at least 30; fewer tell too little"),
        ({"max_mean_shift": float("nan")}, "--max_mean_shift nan: give a number from 0 to 1"),
        ({"max_moved_share": 2.0}, "--max_moved_share 2: give a number from 0 to 1"),
        ({"min_rank_correlation": -2.0}, "--min_rank_correlation -2: give a number from -1 to 1"),
    ],
)
def test_a_limit_that_limits_nothing_is_refused(limit, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        GateSettings(**limit)
