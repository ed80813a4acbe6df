"""The graph as a user of the SavedModel sees it: text in, ids and counts out."""

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from beam_pipelines.artifacts import prepared
from beam_pipelines.text import transform_graph
from tests.helpers.tokens import RULE

TEXTS = ["Good, bad film. good", "", "bad worse awful strange", "fine"]


def encoded(folder, *, first_trained_id: int, max_tokens: int) -> dict:
    transform_graph.write_graph(
        str(folder), ["good", "film", "fine"], rule=RULE, first_trained_id=first_trained_id, max_tokens=max_tokens
    )
    graph = tf.saved_model.load(str(folder / prepared.TRANSFORM_GRAPH))
    values = graph.transform_fn({"text": tf.constant(TEXTS)})
    return {name: value.to_list() if hasattr(value, "to_list") else value.numpy() for name, value in values.items()}


def test_ids_and_counts_of_a_vocabulary_with_pretrained_vectors(tmp_path):
    values = encoded(tmp_path, first_trained_id=4, max_tokens=3)
    assert values["ids"] == [[2, 1, 3], [1], [1, 1, 1], [4]]
    assert values["tokens"].tolist() == [4, 0, 4, 1]
    assert values["known_share"] == pytest.approx([0.75, 0, 0, 0])
    assert values["truncated"].tolist() == [1, 0, 1, 0]
    assert values["unknown"] == [[b"bad"], [], [b"bad", b"worse", b"awful", b"strange"], []]


def test_all_tokens_with_an_id_are_known_where_no_vector_is_pretrained(tmp_path):
    values = encoded(tmp_path, first_trained_id=2, max_tokens=4)
    assert values["known_share"] == pytest.approx([0.75, 0, 0, 1])
    assert values["truncated"].tolist() == [0, 0, 0, 0]


def test_the_folder_holds_its_vocabulary(tmp_path):
    encoded(tmp_path, first_trained_id=2, max_tokens=4)
    assets = [path for path in tmp_path.rglob("assets/*") if path.is_file()]
    assert {path.read_text() for path in assets} == {"good\nfilm\nfine\n"}


def test_the_folder_is_read_as_tf_transform_s_guides_do(tmp_path):
    encoded(tmp_path, first_trained_id=2, max_tokens=4)
    output = tft.TFTransformOutput(str(tmp_path / prepared.TRANSFORM))
    assert output.vocabulary_by_name("vocabulary") == [b"good", b"film", b"fine"]
    assert output.vocabulary_size_by_name("vocabulary") == 3
    assert set(output.transformed_feature_spec()) == {"ids", "score", "id", "split_hash"}
    layer = output.transform_features_layer()
    assert layer({"text": tf.constant(["fine film", "other"])})["ids"].to_list() == [[4, 3], [1]]
