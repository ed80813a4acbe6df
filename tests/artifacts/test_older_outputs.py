"""What earlier versions of the commands wrote is read as it was meant.

data/older_outputs.tar.xz holds a prepared folder, an export of a CNN and one of an LSTM with the scores that
`beam_pipelines.score --explain` gave the first reviews of reviews.csv, all made when reviews.json and
statistics.json were still written and read as dicts. Keys, signatures and what they mean are a contract.

data/export_before_typography.tar.xz holds a CNN that learned from curly quotes, dashes, no-break spaces and emoji as
letters, before an export named its tokeniser, and what `beam_pipelines.score --explain` then made of twelve texts.
"""

import csv
import dataclasses
import json
import logging
import pathlib
import shutil
import tarfile

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.artifacts import exports, prepared
from beam_pipelines.artifacts.tokenizer import OLDER
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.engines.scorer import Scorer
from serving import check
from tests.helpers.commands import train

DATA = pathlib.Path(__file__).parent / "data"
MODELS = ["cnn", "lstm"]
ENGINES = ["compiled", "saved_model"]


def unpacked(name: str, folder: pathlib.Path) -> pathlib.Path:
    with tarfile.open(DATA / name) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def older(tmp_path_factory) -> pathlib.Path:
    return unpacked("older_outputs.tar.xz", tmp_path_factory.mktemp("older"))


@pytest.fixture(scope="module")
def before_typography(tmp_path_factory) -> pathlib.Path:
    return unpacked("export_before_typography.tar.xz", tmp_path_factory.mktemp("before-typography"))


@pytest.mark.parametrize("model", MODELS)
def test_what_an_export_says_is_read_and_written_with_the_same_keys(older, model):
    export = exports.find(str(older / model))
    written = json.loads(pathlib.Path(export.path, exports.INFO).read_text())
    again = json.loads(json.dumps(export.info.to_json()))
    assert again == written
    assert [*again] == [*written]
    assert (export.info.model, export.info.scale.low, export.info.scale.high) == (model, 0, 100)


def test_statistics_are_read_and_written_with_the_same_keys(older):
    statistics = prepared.Statistics.read(str(older / "prepared"))
    written = json.loads((older / "prepared" / prepared.STATISTICS).read_text())
    again = json.loads(json.dumps(statistics.to_json()))
    assert again == written
    assert [*again] == [*written]
    assert [*again["rows"]] == [*written["rows"]]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", MODELS)
def test_an_export_scores_and_explains_as_it_did(older, model, engine):
    expected = [json.loads(line) for line in (older / model / "scores.jsonl").open()]
    with (older / "reviews.csv").open(newline="") as file:
        by_id = {row["id"]: row["text"] for row in csv.DictReader(file)}
    texts = pa.array([by_id[row["id"]] for row in expected])
    compare(Scorer(exports.find(str(older / model)), engine), engine, texts, expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_export_made_before_typography_was_plain_scores_and_explains_as_it_did(before_typography, engine):
    export = exports.find(str(before_typography))
    assert (export.info.tokenizer, export.info.rule) == (None, OLDER)
    expected = [json.loads(line) for line in (before_typography / "scores.jsonl").open(encoding="utf-8")]
    texts = pa.array([row["text"] for row in expected])
    scorer = Scorer(export, engine)
    compare(scorer, engine, texts, expected)
    # Else this would not tell the two rules apart.
    plain = scorer.score(pa.array([text.replace("\u2019", "'") for text in texts.to_pylist()]), EngineMetrics())
    assert np.abs(plain["score"] - [row["score"] for row in expected]).max() > 1


def compare(scorer: Scorer, engine: str, texts: pa.Array, expected: list[dict]) -> None:
    """Compares what an engine says of texts with what an earlier version did."""
    assert scorer.engine == engine
    results = scorer.score(texts, EngineMetrics())
    results |= scorer.explain(texts, results["tokens"], EngineMetrics())
    for name in ("score", "score_low", "score_high", "known_share", "explained_score"):
        assert np.array(results[name]) == pytest.approx([row[name] for row in expected], abs=1e-3)
    for name in ("tokens", "truncated"):
        assert results[name].tolist() == [row[name] for row in expected]
    assert [[reason["phrase"] for reason in reasons] for reasons in results["reasons"]] == [
        [reason["phrase"] for reason in row["reasons"]] for row in expected
    ]


def test_an_export_is_fit_to_serve_still(older, capsys):
    assert check.main([str(older / "cnn")]) == 0
    assert "scores equal within" in capsys.readouterr().out


def test_a_prepared_folder_of_an_earlier_version_is_refused_with_what_to_do(older, tmp_path):
    sentence = f"^--data {older}/prepared was prepared by an earlier version, .*: run beam_pipelines.preprocess again"
    with pytest.raises(UserError, match=sentence):
        train(older / "prepared", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_prepared_folder_that_names_its_tokeniser_is_learned_from_with_an_older_export_to_start_from(
    older, tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    shutil.copytree(older / "prepared", tmp_path / "data")
    statistics = prepared.Statistics.read(str(tmp_path / "data"))
    dataclasses.replace(statistics, tokenizer=OLDER).write(str(tmp_path / "data"))
    flags = ["--epochs=1", f"--warm_start={older / 'cnn'}"]
    output = train(tmp_path / "data", tmp_path / "out", *flags)
    tokens = exports.find(str(older / "cnn")).info.training.vocabulary.size - 2
    assert f"it knows {tokens} of {tokens} tokens" in caplog.text
    info = exports.find(str(output)).info
    assert (info.training.rows.read, info.tokenizer) == (120, OLDER)
