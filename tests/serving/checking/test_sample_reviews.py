"""The sample of a gate is read as the training archive was, or as the flags say."""

import argparse
import json

import pytest

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from serving.checking import gate_flags, sample_reviews


@pytest.fixture(scope="module")
def info(cnn):
    return exports.find(str(cnn)).info


def read(info, path, *flags):
    parser = argparse.ArgumentParser()
    gate_flags.add_sample(parser)
    return sample_reviews.read(parser.parse_args(["--sample", str(path), *flags]), info)


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
    sample = read(info, path, "--text_column=body", "--title_column=title")
    assert sample.scores.tolist() == [85]


def test_a_sample_is_spread_over_the_archive_and_always_the_same(info, tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("text,score\n" + "".join(f"review {number},50\n" for number in range(500)))
    sample = read(info, path, "--sample_rows=50")
    rows = sorted(int(text.split()[1]) for text in sample.texts.to_pylist())
    assert len(rows) == 50
    assert rows[0] < 100
    assert rows[-1] > 400
    assert read(info, path, "--sample_rows=50").names == sample.names


@pytest.mark.parametrize(
    ("content", "flags", "sentence"),
    [
        ("body,score\ngood,9\n", [], "text"),
        ("text\ngood\n", ["--score_column=stars"], "stars"),
        ("text,score\n,9\n", [], "holds no rated review with a text"),
        ("text,score\ngood,9\n", ["--title_column=t", "--score_pattern=("], "is no regular expression"),
    ],
)
def test_what_cannot_be_read_is_told(info, tmp_path, content, flags, sentence):
    path = tmp_path / "odd.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=sentence):
        read(info, path, *flags)
