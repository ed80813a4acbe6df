"""The export alone: TensorFlow loads it with every working folder gone, and it scores the same."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from beam_pipelines.files import storage
from tests.helpers.exports import serve, version
from tests.helpers.models import SCORES
from tests.helpers.tokens import plain_tokens
from trainer import data, export
from trainer.architectures.architecture import FROZEN_VECTORS, WordVectors
from trainer.architectures.interval_reach import IntervalReach
from trainer.architectures.registry import ARCHITECTURES
from trainer.export import FIXED_TEXTS
from trainer.review_scorer import ReviewScorer

PROGRAM = """
import json, sys
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
outputs = serve(text=tf.constant(json.load(open(sys.argv[2]))))
print(json.dumps({name: values.numpy().tolist() for name, values in outputs.items()}))
"""


@pytest.fixture
def alone(trained, tmp_path) -> pathlib.Path:
    """The export in an empty place."""
    return shutil.copytree(version(trained), tmp_path / "1")


def test_it_loads_without_the_folders_that_made_it(prepared, trained, alone, tmp_path):
    texts = ["excellent and brilliant " * 5, "boring and terrible " * 5, ""]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    hidden = [(folder, folder.with_name(folder.name + "-hidden")) for folder in (prepared, trained)]
    for folder, elsewhere in hidden:
        folder.rename(elsewhere)
    try:
        program = [sys.executable, "-I", "-c", PROGRAM, str(alone), str(tmp_path / "texts.json")]
        printed = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    finally:
        for folder, elsewhere in hidden:
            elsewhere.rename(folder)
    outputs = json.loads(printed.splitlines()[-1])
    assert outputs["score"][0] > outputs["score"][1] + 20


def test_the_encoder_names_the_tokens_without_an_id_beyond_the_cut_too(alone):
    texts = ["an excellent zzz, record (ZZZ)", "", "good " * 300 + "qqq", "\u0416\u0418\u0417\u041d\u042c"]
    encoded = tf.saved_model.load(str(alone)).encode(tf.constant(texts))
    assert set(encoded) == {"tokens", "known_share", "truncated", "ids", "row_lengths", "unknown"}
    unknown = [token.decode() for token in encoded["unknown"].numpy()]
    # The archive has neither "an" nor "good".
    assert unknown == ["an", "zzz", "zzz", *["good"] * 300, "qqq", "\u0436\u0438\u0437\u043d\u044c"]
    assert encoded["row_lengths"].numpy().tolist() == [5, 1, 200, 1]


def test_scores_stay_in_the_range(alone):
    found = serve(alone, ["excellent " * 200, "terrible " * 200])
    assert (found["score_low"] >= 0).all()
    assert (found["score_low"] <= found["score"]).all()
    assert (found["score"] <= found["score_high"]).all()
    assert (found["score_high"] <= 100).all()


def test_the_vocabulary_is_its_only_asset(alone):
    assert [path.name for path in (alone / "assets").iterdir()] == ["vocabulary.txt"]


def test_text_beyond_max_tokens_changes_nothing(alone):
    texts = ["excellent " * 200, "excellent " * 200 + "terrible " * 5000]
    scores = serve(alone, texts)["score"]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_reviews_json_says_what_a_job_needs(rows, trained, alone):
    about = json.loads((alone / "assets.extra" / "reviews.json").read_text())
    assert (about["score_min"], about["score_max"], about["max_tokens"]) == (0, 100, 200)
    assert sum(sum(bins) for bins in about["training"]["scores"]["histogram"].values()) == len(rows)
    assert [one["text"] for one in about["fixed_texts"]] == list(FIXED_TEXTS)
    assert [one["tokens"] for one in about["fixed_texts"][:4]] == [len(plain_tokens(t)) for t in FIXED_TEXTS[:4]]
    assert about["tokenizer"] == {"typography": "plain_1", "punctuation_tokens": True}
    assert sum(about["training"]["token_lengths"]["histogram"]) == len(rows)
    assert sum(sum(bins) for bins in about["training"]["known_shares"]["histogram"].values()) == len(rows)
    scores = serve(alone, list(FIXED_TEXTS))["score"]
    assert scores == pytest.approx([one["score"] for one in about["fixed_texts"]], abs=1e-3)
    assert len(about["digests"]["saved_model.pb"]) == 64
    assert about["versions"]["tensorflow"] == tf.__version__


@pytest.mark.parametrize("preset", ["default", "notebook"])
def test_what_is_served_is_what_the_model_gives(preset, prepared):
    """Of text without tokens, of one token, and of text that is cut after 200."""
    reviews = data.PreparedReviews.load(str(prepared))
    cnn_class = ARCHITECTURES["cnn"].load(preset)
    head = cnn_class.head_for(SCORES)
    cnn = cnn_class.build(WordVectors(reviews.vectors(), None), head)
    model = cnn.model
    random = np.random.default_rng(9)
    model.set_weights([weight + random.uniform(-0.05, 0.1, weight.shape) for weight in model.get_weights()])
    if preset == "notebook":
        # Its output is a score: most would be cut off at an end of the scale.
        last = model.get_layer("score")
        last.set_weights([0.05 * last.kernel.numpy(), np.array([0.5])])
    reach = IntervalReach.constant(0.1)
    scorer = ReviewScorer(reviews, cnn, head, reach, version=1)
    words = reviews.vocabulary()
    texts = ["", "excellent", "zzz", "excellent boring " * 300, "boring " * 200]
    texts += [" ".join(random.choice(words, size)) for size in random.integers(1, 150, 20)]
    encoded, served = scorer.encode(tf.constant(texts)), scorer.serve(tf.constant(texts))
    ids = tf.RaggedTensor.from_row_lengths(encoded["ids"], encoded["row_lengths"]).to_tensor()
    assert ids.shape == (25, 200)
    share = head.score(model(ids)).numpy()
    # A median is mostly one of the few values; what is served beside it is not.
    assert len(np.unique(share)) > (10 if preset == "notebook" else 1)
    assert served["score"].numpy() == pytest.approx(reviews.scale.from_unit(share), abs=1e-3)
    padded = scorer.score_ids(tf.pad(ids, [[0, 0], [0, 9]]))
    for name, values in padded.items():
        assert values.numpy() == pytest.approx(served[name].numpy(), abs=1e-3)


def test_an_export_holds_each_weight_once_and_no_vectors_that_its_tables_replace(trained):
    variables = tf.train.list_variables(str(version(trained) / "variables" / "variables"))
    weights = tf.saved_model.load(str(version(trained))).weights
    tables = [name for name, _ in variables if name.startswith("_tables/")]
    assert len(variables) - 1 == len(weights) + len(tables)  # One lists the others.
    of_model = [name for name in tables if "/ngrams/" not in name]
    assert (FROZEN_VECTORS in weights) != bool(of_model)
    if any("convolution" in name for name in weights):
        assert of_model
    assert (len(tables) - len(of_model)) == (3 if "notebook" not in str(trained) else 0)  # Keys, rows and bias.


def test_versions_are_the_time_and_grow_even_within_a_second(tmp_path):
    versions = tmp_path / "export" / "reviews"
    names = []
    for _ in range(2):
        aside = tmp_path / "export" / ".tmp" / "1"
        aside.mkdir(parents=True)
        (aside / "file").touch()
        published = export._publish(aside, versions, export.next_version(versions))
        assert [path.name for path in published.iterdir()] == ["file"]
        names.append(published.name)
    assert re.fullmatch(r"20\d{12}", names[0])
    assert int(names[1]) > int(names[0])
    (versions / "99991231235959").mkdir()
    (versions / "notes").mkdir()
    assert export.next_version(versions) == 99991231235960
    assert not (tmp_path / "export" / ".tmp").exists()


def test_a_version_is_on_the_disk_before_and_after_it_gets_its_name(tmp_path, monkeypatch):
    """Else a power cut could leave a version that a server takes, with empty files."""
    aside, versions, done = tmp_path / ".tmp" / "1", tmp_path / "reviews", []
    for folder in (aside, versions):
        folder.mkdir(parents=True)
    rename = os.rename
    monkeypatch.setattr(storage, "sync_tree", lambda folder: done.append(f"all of {folder.name}"))
    monkeypatch.setattr(storage, "sync_folder", lambda folder: done.append(f"names in {folder.name}"))
    monkeypatch.setattr(os, "rename", lambda *paths: (done.append("rename"), rename(*paths)))
    export._publish(aside, versions, 1)
    assert done == ["all of 1", "rename", "names in reviews"]
