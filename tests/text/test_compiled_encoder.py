"""The compiled encoder makes of any text what the transform graph makes."""

import collections
import types

import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings

from beam_pipelines.text import transform_graph
from beam_pipelines.text.compiled_encoder import CompiledEncoder
from tests.helpers.tokens import RULES, VOCABULARY, texts_of

MAX_TOKENS = 4


@pytest.fixture(scope="module", params=[(2, RULES[0]), (6, RULES[1]), (6, RULES[2])], ids=str)
def graph(request, tmp_path_factory):
    """A graph of a vocabulary without pretrained vectors, and of one with four; cut after four tokens."""
    folder = tmp_path_factory.mktemp("graph")
    first_trained_id, rule = request.param
    options = {"rule": rule, "first_trained_id": first_trained_id, "max_tokens": MAX_TOKENS}
    transform_graph.write_graph(str(folder), VOCABULARY, **options)
    saved_model = str(folder / "transform" / "transform_fn")
    encoder = CompiledEncoder(saved_model, **options)
    return types.SimpleNamespace(graph=tf.saved_model.load(saved_model), encoder=encoder)


@given(texts=texts_of)
@settings(max_examples=300, deadline=None)
def test_ids_and_counts_are_those_of_the_graph(graph, texts):
    expected = graph.graph.transform_fn({"text": tf.constant(texts, tf.string)})
    encoded = graph.encoder.encode(graph.encoder.tokenize(pa.array(texts, pa.string())))
    assert encoded.ids.tolist() == expected["ids"].flat_values.numpy().tolist()
    assert encoded.lengths.tolist() == expected["ids"].row_lengths().numpy().tolist()
    for name in ("tokens", "known_share", "truncated"):
        assert getattr(encoded, name).tolist() == expected[name].numpy().tolist(), name
    unknown = collections.Counter(expected["unknown"].flat_values.numpy().tolist())
    assert dict(zip(*(values.tolist() for values in encoded.unknown), strict=True)) == unknown
