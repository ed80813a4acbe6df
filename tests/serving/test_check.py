"""The check that every export must pass, on good exports and on broken ones."""

import json
import re
import shutil

import numpy as np
import pytest

from beam_pipelines.errors import UserError
from serving import check
from tests.helpers.exports import change_weights, version


@pytest.fixture
def copy(cnn, tmp_path):
    return shutil.copytree(version(cnn), tmp_path / "20200101000000")


def test_a_good_export_passes_and_is_described(trained, capsys):
    assert check.main([str(trained), "--verbose"]) == 0
    printed = capsys.readouterr().out
    assert "serving_default inputs: text string (None,)" in printed
    assert "score float32 (None,), score_high float32 (None,), score_low float32 (None,), score_max float32" in printed
    assert "regress inputs: inputs string (None,)" in printed
    assert "LookupTableFindV2" in printed
    assert "fixed texts: 12 scores equal" in printed
    assert "8 requests of warm-up" in printed
    assert re.search(r"a request of 1 review of 3[23] tokens: p50 [\d.]+ ms, p99 [\d.]+ ms, the first", printed)
    assert "a request of 32 reviews" in printed


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match=f"EXPORT {tmp_path}/nothing holds no exported model"):
        check.main(["~/nothing"])


def edit(copy, change) -> None:
    extra = copy / "assets.extra" / "reviews.json"
    about = json.loads(extra.read_text())
    change(about)
    extra.write_text(json.dumps(about))


def test_other_scores_than_when_exported_fail(copy):
    edit(copy, lambda about: about["fixed_texts"][3].update(score=about["fixed_texts"][3]["score"] + 1))
    with pytest.raises(
        UserError, match="scores the fixed texts 1(.0+\\d*)? otherwise than when the model was exported"
    ):
        check.main([str(copy)])


def test_weights_that_are_not_finite_fail_even_where_no_fixed_text_needs_them(copy):
    edit(copy, lambda about: about["digests"].clear())
    row = (copy / "assets/vocabulary.txt").read_text().splitlines().index("drums") + 2
    change_weights(
        copy, lambda name, weights: weights.__setitem__(row, np.nan) if name.startswith("weights/words.Svec") else None
    )
    with pytest.raises(UserError, match=r"holds weights that are not finite.*: weights/words.Svectors; train it"):
        check.main([str(copy)])


def test_another_tokeniser_than_when_exported_fails(copy):
    edit(copy, lambda about: about["fixed_texts"][3].update(tokens=1))
    with pytest.raises(UserError, match="gives other tokens for the fixed texts"):
        check.main([str(copy)])


def test_another_vocabulary_fails(copy):
    vocabulary = copy / "assets" / "vocabulary.txt"
    vocabulary.write_text("".join(reversed(vocabulary.read_text().splitlines(keepends=True))))
    with pytest.raises(UserError, match="assets/vocabulary.txt is not the file that was exported"):
        check.main([str(copy)])


def test_a_missing_file_fails(copy):
    (copy / "assets" / "vocabulary.txt").unlink()
    edit(copy, lambda about: about["digests"].pop("assets/vocabulary.txt"))
    with pytest.raises(UserError, match="does not load with TensorFlow alone"):
        check.main([str(copy)])


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=f"^EXPORT {tmp_path} holds no exported model: expected the output of trainer.task"
    ):
        check.main([str(tmp_path)])
