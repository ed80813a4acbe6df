"""An export is found by its folder, and a model is held to the results that were recorded with it."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import FixedText
from beam_pipelines.errors import UserError
from tests.helpers.summaries import INFO

# On a scale from 0 to 100, scores may differ by 0.001.
FIXED = dataclasses.replace(
    INFO,
    fixed_texts=[
        FixedText("", tokens=0, known_share=0.0, truncated=False, score=50.0, score_low=40.0, score_high=60.0),
        FixedText("good", tokens=3, known_share=2 / 3, truncated=True, score=70.0, score_low=60.0, score_high=80.0),
    ],
)


def results(**changed) -> dict:
    recorded = {
        name: [getattr(text, name) for text in FIXED.fixed_texts] for name in (*exports.SCORES, *exports.EXACT_RESULTS)
    }
    return {**recorded, **changed}


def test_equal_results_have_no_fault():
    assert FIXED.compare(results()) == exports.Comparison(0.0)
    rounded = np.array([50.0005, 70], np.float32)
    comparison = FIXED.compare(results(score=rounded, known_share=np.array([0, 2 / 3], np.float32)))
    assert comparison.largest_gap == pytest.approx(0.0005, abs=1e-5)
    assert comparison.fault == ""


@pytest.mark.parametrize("name", exports.SCORES)
@pytest.mark.parametrize("value", [0.002, float("nan"), float("inf")])
def test_scores_that_differ_are_a_fault(name, value):
    recorded = results()[name]
    fault = FIXED.compare(results(**{name: [recorded[0], recorded[1] + value]})).fault
    assert fault.startswith("scores the fixed texts ")
    assert fault.endswith(" otherwise than when the model was exported")


@pytest.mark.parametrize(
    ("name", "values"), [("tokens", [0, 4]), ("known_share", [0, 0.6667]), ("truncated", [False, False])]
)
def test_what_follows_from_the_tokens_has_to_be_equal(name, values):
    fault = FIXED.compare(results(**{name: values})).fault
    assert fault == f"gives other {name} for the fixed texts than when the model was exported"


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"training": 3}'])
def test_a_damaged_description_is_told(tmp_path, content):
    version = tmp_path / "20200101000000"
    (version / "assets.extra").mkdir(parents=True)
    (version / "saved_model.pb").touch()
    (version / exports.INFO).write_text(content)
    with pytest.raises(
        UserError, match=rf"--model {version}: its assets.extra/reviews.json is damaged \(.*\); copy or"
    ):
        exports.find(str(version))


def test_files_that_are_not_as_exported_are_listed(tmp_path):
    digests = {name: hashlib.sha256(b"it").hexdigest() for name in ("whole", "changed", "gone", "folder")}
    (tmp_path / "whole").write_bytes(b"it")
    (tmp_path / "changed").write_bytes(b"other")
    (tmp_path / "folder").mkdir()
    changed = dataclasses.replace(INFO, digests=digests).changed_files(str(tmp_path))
    assert changed == ["changed", "gone", "folder"]


def test_the_verdict_comes_with_the_export():
    verdict = exports.Verdict("test", 20.0, {"median": 19.0}, "The model is no better.")
    told = dataclasses.replace(INFO, verdict=verdict).to_json()
    assert exports.ExportInfo.from_json(json.loads(json.dumps(told))).verdict == verdict
    assert "verdict" not in INFO.to_json()


def test_the_digest_is_that_of_all_files():
    one = dataclasses.replace(INFO, digests={"a": "1", "b": "2"})
    assert one.digest == dataclasses.replace(INFO, digests={"b": "2", "a": "1"}).digest
    assert one.digest != dataclasses.replace(INFO, digests={"a": "1", "b": "3"}).digest


def test_the_newest_version_is_found_from_any_folder_above_it(tmp_path):
    versions = tmp_path / "trained" / exports.VERSIONS
    for version in ("9", "10"):
        (versions / version / "assets.extra").mkdir(parents=True)
        (versions / version / exports.SAVED_MODEL).write_bytes(b"")
        (versions / version / exports.INFO).write_text(json.dumps(INFO.to_json()))
    (versions / "11").mkdir()
    for folder in (tmp_path / "trained", versions, versions / "10"):
        export = exports.find(str(folder))
        assert (export.version, export.info) == (10, INFO)
    assert exports.find(str(versions / "9")).version == 9
    (versions / "10" / exports.INFO).unlink()
    with pytest.raises(UserError, match=r"--model .*/10 has no assets.extra/reviews.json: it was not exported by"):
        exports.find(str(versions))
