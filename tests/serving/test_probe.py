"""The probe reads of an export what it holds, with TensorFlow alone, and tells on itself where it is not alone."""

import json
import subprocess
import sys

import pytest

from serving import probe
from tests.helpers.exports import version


@pytest.fixture(scope="module")
def fixed_texts(cnn) -> list[dict]:
    return json.loads((version(cnn) / "assets.extra/reviews.json").read_text())["fixed_texts"]


@pytest.fixture(scope="module")
def probed(cnn, fixed_texts) -> dict:
    """What the script prints in a process of its own."""
    command = [sys.executable, "-I", probe.__file__, str(version(cnn))]
    texts = json.dumps([fixed["text"] for fixed in fixed_texts])
    printed = subprocess.run(command, input=texts, capture_output=True, text=True, check=True).stdout
    return json.loads(printed.splitlines()[-1])


def test_it_scores_the_fixed_texts_as_they_were_when_exported(fixed_texts, probed):
    for name in ("score", "score_low", "score_high", "tokens", "known_share", "truncated"):
        assert probed["outputs"][name] == pytest.approx([text[name] for text in fixed_texts], abs=1e-3)


def test_it_describes_signatures_and_operations(probed):
    serving = probed["signatures"]["serving_default"]
    assert serving["inputs"] == {"text": "string (None,)"}
    assert serving["outputs"]["score"] == "float32 (None,)"
    assert probed["signatures"].keys() == {"serving_default", "explain", "examples", "regress"}
    assert "LookupTableFindV2" in probed["ops"]
    assert probed["ops"] == sorted(set(probed["ops"]))
    # Functions of the graph are no operations.
    assert not [name for name in probed["ops"] if name.startswith("__inference")]


def test_it_times_one_review_and_a_batch(probed):
    assert probed["batch"] == probe.BATCH
    assert min(probed["one_review_ms"], probed["batch_ms"]) > 0


def test_it_tells_what_should_not_have_been_loaded(cnn, probed):
    """Here the trainer is, which made the export."""
    assert probed["loaded"] == []
    assert {"beam_pipelines", "trainer"} <= set(probe.probe(str(version(cnn)), ["good"])["loaded"])
