"""The probe reads of an export what it holds, with TensorFlow alone, and tells on itself where it is not alone."""

import json
import subprocess
import sys

import pytest

from serving.calls import SignatureCall
from serving.checking import probe
from tests.helpers.exports import version


@pytest.fixture(scope="module")
def fixed_texts(cnn) -> list[dict]:
    return json.loads((version(cnn) / "assets.extra/reviews.json").read_text())["fixed_texts"]


@pytest.fixture(scope="module")
def plan(fixed_texts) -> dict:
    texts = [fixed["text"] for fixed in fixed_texts]
    call = SignatureCall.of("serving_default", texts).to_json()
    return {"warm_up": [call], "fixed": [call], "timed": {"a dozen": call | {"runs": 3}}}


@pytest.fixture(scope="module")
def probed(cnn, plan) -> dict:
    """What the script prints in a process of its own."""
    command = [sys.executable, "-I", probe.__file__, str(version(cnn))]
    printed = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, check=True).stdout
    return json.loads(printed.splitlines()[-1])


def test_it_scores_the_fixed_texts_as_they_were_when_exported(fixed_texts, probed):
    (outputs,) = probed["outputs"]
    for name in ("score", "score_low", "score_high", "tokens", "known_share", "truncated"):
        assert outputs[name] == pytest.approx([text[name] for text in fixed_texts], abs=1e-3)


def test_it_describes_signatures_and_operations(probed):
    serving = probed["signatures"]["serving_default"]
    assert serving["inputs"] == {"text": "string (None,)"}
    assert serving["outputs"]["score"] == "float32 (None,)"
    assert probed["signatures"].keys() == {"serving_default", "explain", "examples", "regress"}
    assert "LookupTableFindV2" in probed["ops"]
    assert probed["ops"] == sorted(set(probed["ops"]))
    # Functions of the graph are no operations.
    assert not [name for name in probed["ops"] if name.startswith("__inference")]


def test_it_times_the_first_request_apart_from_later_ones(probed):
    assert probed["first_ms"]["a dozen"] > 0
    assert len(probed["ms"]["a dozen"]) == 2


def test_it_tells_what_loading_takes(probed):
    assert probed["load_seconds"] > 0
    assert probed["memory_mb"] > 0


def test_it_tells_what_should_not_have_been_loaded(cnn, plan, probed):
    """Here the trainer is, which made the export."""
    assert probed["loaded"] == []
    assert {"beam_pipelines", "trainer"} <= set(probe.probe(str(version(cnn)), plan)["loaded"])
