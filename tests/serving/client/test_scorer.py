"""The clients against servers that answer well and badly, over both protocols."""

import subprocess
import sys

import pytest

from serving.client import (
    Explanation,
    Phrase,
    ReviewScorer,
    Score,
    ServingError,
    Tensor,
    TextRefused,
)
from serving.client.answers import VersionStatus
from tests.helpers.fake_serving import VERSION, outputs

TEXTS = ["gut", "Zwei Wörter", '"quoted"\n\x00 \U0001f600', ""]


def test_a_score_holds_all_that_the_server_says(server, open_client):
    (answer,) = open_client(server.address).score(["one two"])
    assert answer == Score(
        score=0.7,
        score_low=-0.3,
        score_high=1.7,
        tokens=2,
        known_share=0.5,
        truncated=False,
        score_min=-4.0,
        score_max=4.0,
        model_version=VERSION,
    )
    assert (type(answer.tokens), type(answer.truncated)) == (int, bool)


def test_texts_arrive_as_they_are_and_are_answered_in_order(server, open_client):
    scores = open_client(server.address, max_rows=3).score(TEXTS)
    assert [answer.score for answer in scores] == [len(text) / 10 for text in TEXTS]
    assert server.texts == [TEXTS[:3], TEXTS[3:]]


def test_no_text_needs_no_request(server, open_client):
    client = open_client(server.address)
    assert client.score([]) == []
    assert list(client.explain_each([])) == []
    assert server.seen == []


def test_an_explanation_has_its_strongest_phrase_first_and_no_empty_one(server, open_client):
    (answer,) = open_client(server.address).explain(["great plot and weak end"])
    assert isinstance(answer, Explanation)
    assert answer.phrases == (Phrase("k end", -0.3, 18), Phrase("great", 0.1, 0))
    assert (answer.score, answer.explained_score, answer.explained_rest) == (2.3, 0.25, None)


def test_long_inputs_are_read_request_by_request(server, open_client):
    read = []

    def texts():
        for place in range(10):
            read.append(place)
            yield f"text {place}"

    answers = open_client(server.address, max_rows=2).score_each(texts())
    next(answers)
    assert len(read) <= 3
    assert len(list(answers)) == 9
    assert [len(asked) for asked in server.texts] == [2] * 5


def test_an_export_of_an_earlier_version_tells_no_scale(server, open_client):
    server.outputs = lambda texts, signature: {
        name: values
        for name, values in outputs(texts, signature).items()
        if name not in ("score_min", "score_max", "model_version")
    }
    (answer,) = open_client(server.address).score(["a"])
    assert (answer.score_min, answer.score_max, answer.model_version) == (None, None, None)


def earlier(texts, signature):
    """Outputs of an export of an earlier version, whose explanations hold no score."""
    answered = outputs(texts, signature)
    of_explanations = ("phrases", "phrase_starts", "points", "explained_score")
    return {name: answered[name] for name in answered if (name in of_explanations) == (signature == "explain")}


def test_an_explanation_of_an_earlier_export_is_completed(server, open_client):
    server.outputs = earlier
    client = open_client(server.address, max_rows=2)
    texts = ["great plot and weak end", "b", "c"]
    explained = client.explain(texts)
    server.outputs = outputs
    assert explained == client.explain(texts)
    assert server.texts[:4] == [texts[:2]] * 2 + [texts[2:]] * 2


def test_an_explanation_of_an_earlier_export_tells_no_places(server, open_client):
    server.outputs = lambda texts, signature: {
        name: values for name, values in outputs(texts, signature).items() if name != "phrase_starts"
    }
    (answer,) = open_client(server.address).explain(["great plot and weak end"])
    assert answer.phrases == (Phrase("k end", -0.3), Phrase("great", 0.1))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["score_low", "known_share", "score_max", "points", "explained_score"])
def test_a_number_that_is_not_finite_is_an_error(server, open_client, name, value):
    def broken(texts, signature):
        row = [0.1, value, 0.2] if name == "points" else value
        return {**outputs(texts, signature), name: [row] * len(texts)}

    server.outputs = broken
    with pytest.raises(ServingError, match=f"^the server's answer has {value} as {name}; expected a finite number$"):
        open_client(server.address).explain(["a", "b"])


def test_an_answer_without_scores_is_an_error(server, open_client):
    server.outputs = lambda texts, signature: {"phrases": [["a"]] * len(texts), "points": [[0.1]] * len(texts)}
    expected = (
        "^the server's answer lacks score, score_low, score_high, known_share, tokens, truncated: it serves another"
    )
    with pytest.raises(ServingError, match=expected):
        open_client(server.address).explain(["a"])


def test_an_answer_for_fewer_texts_is_an_error(server, open_client):
    server.outputs = lambda texts, signature: outputs(texts[:1], signature)
    with pytest.raises(ServingError, match="^the server's answer has 1 values of known_share for 2 texts$"):
        open_client(server.address).score(["a", "b"])


def test_connections_are_used_again(server, open_client):
    client = open_client(server.address, max_rows=1)
    client.score(TEXTS)
    client.status()
    assert len(server.seen) == 5
    assert len(set(server.peers)) == 1


def test_the_model_and_the_token_stand_in_each_request(server, open_client):
    open_client(server.address, model_name="my reviews", version=7, token="secret").score(["a"])
    spec, headers = server.seen[0]
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Bearer secret"
    if isinstance(spec, str):
        assert spec == "/v1/models/my%20reviews/versions/7:predict"
    else:
        assert (spec.name, spec.version.value, spec.version_label) == ("my reviews", 7, "")


def test_a_label_stands_in_each_request(server, open_client):
    client = open_client(server.address, label="stable")
    client.score(["a"])
    client.status()
    client.metadata()
    for spec, _ in server.seen:
        assert "/v1/models/reviews/labels/stable" in spec if isinstance(spec, str) else spec.version_label == "stable"


def test_what_the_server_says_of_itself(server, open_client):
    client = open_client(server.address)
    (status,) = client.status()
    assert status == VersionStatus(VERSION, "AVAILABLE")
    assert status.is_available
    metadata = client.metadata()
    assert metadata.version == VERSION
    assert metadata.inputs == {"serving_default": {"text": Tensor("DT_STRING", (-1,))}}
    assert metadata.outputs == {"serving_default": {"score": Tensor("DT_FLOAT", (-1,))}}


def test_a_text_over_the_limit_is_refused_before_anything_is_sent(server, open_client):
    with pytest.raises(TextRefused, match=r"^text 2 has 1,001 bytes, more than max_text_bytes \(1,000\)$") as raised:
        open_client(server.address, max_text_bytes=1000, max_rows=1).score(["a", "b", "c" * 1001])
    assert raised.value.place == 2
    assert server.seen == []


def test_half_of_a_surrogate_pair_is_refused(server, open_client):
    with pytest.raises(TextRefused, match="^text 1 holds half of a surrogate pair at 2, which is no text$"):
        open_client(server.address).score(["a", "ab\ud83d"])


def test_requests_keep_to_their_bytes(server, open_client):
    texts = ["ä\n" * 40] * 30
    open_client(server.address, max_request_bytes=1000).score(texts)
    assert [text for asked in server.texts for text in asked] == texts
    assert max(server.sizes) <= 1000
    assert len(server.sizes) < 10


def test_a_single_text_is_no_list_of_texts(server, open_client):
    with pytest.raises(TypeError, match=r"^texts is one str; expected several, as in \[text\]$"):
        open_client(server.address).score("a text")


def test_a_script_imports_no_more_than_it_speaks(rest):
    program = f"""if True:
        import sys
        from serving.client import ReviewScorer
        print(ReviewScorer("{rest.address}").score(["abc"])[0].score)
        slow = ("tensorflow", "numpy", "apache_beam", "beam_pipelines", "grpc", "google.protobuf", "serving.messages")
        print([name for name in slow if name in sys.modules])
    """
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "0.3\n[]\n"


def test_grpc_stands_beside_tensorflow_and_its_own_messages(grpc_server):
    from tensorflow_serving.apis import predict_pb2

    assert predict_pb2.PredictRequest(model_spec={"name": "reviews"}).model_spec.name == "reviews"
    with ReviewScorer(grpc_server.address) as client:
        assert client.score(["abc"])[0].score == 0.3
