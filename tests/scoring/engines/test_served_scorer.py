"""Scoring through a server gives the export's scores, or says in a sentence why not."""

import concurrent.futures
import threading

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from beam_pipelines.scoring.engines import patience
from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.engines.served_scorer import ServedScorer
from beam_pipelines.scoring.engines.server_options import ServerOptions
from beam_pipelines.scoring.score_rows import RowOptions, score_rows
from beam_pipelines.scoring.summary import statistics
from tests.helpers import fake_serving
from tests.helpers.exports import version
from tests.helpers.fake_failures import refuse, says, silent, unavailable
from tests.helpers.texts import TEXTS


@pytest.fixture(scope="module")
def export(cnn):
    return exports.find(str(cnn))


@pytest.fixture
def server(cnn):
    """A fake server with the scores of the real model."""
    with fake_serving.rest() as fake:
        fake.outputs = fake_serving.outputs_of(version(cnn))
        yield fake


def options(address: str, export, **changes) -> ServerOptions:
    given = {
        **{"address": address, "model_name": "reviews", "version": export.version, "in_flight": 4, "max_rows": 32},
        **{"timeout_s": 30.0, "wait_s": 30.0, "token_file": None, "ca_file": None},
    }
    return ServerOptions(**{**given, **changes})


@pytest.fixture
def impatient(monkeypatch):
    """Looks at a lost server more often."""
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)
    from serving.client import retries

    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.001)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_it_scores_and_explains_as_the_engines_of_this_machine_do(served_cnn, export, rows, protocol):
    texts = pa.array([*TEXTS, *(row["text"] for row in rows), *TEXTS])
    address = served_cnn.rest if protocol == "rest" else f"grpc://{served_cnn.grpc}"
    here, there = Scorer(export), ServedScorer(export, options(address, export), explain=True)
    measured = {one: EngineMetrics() for one in (here, there)}
    expected, found = (one.score(texts, measured[one]) for one in (here, there))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        within = exports.SERVER_TOLERANCE * export.info.scale.span if name.startswith("score") else 0
        assert found[name] == pytest.approx(values, abs=within)
    counted = [statistics.count_unknown(metrics.unknown) for metrics in measured.values()]
    assert counted[0] == counted[1] != {}
    assert measured[here].tokens == measured[there].tokens
    told = [one.explain(texts, expected["tokens"], EngineMetrics()) for one in (here, there)]
    assert told[0].keys() == told[1].keys()
    assert told[1]["explained_score"] == pytest.approx(told[0]["explained_score"], abs=1e-4)
    reasons = [[reason for row in one["reasons"] for reason in row] for one in told]
    assert reasons[1] == [reason | {"points": pytest.approx(reason["points"], abs=1e-4)} for reason in reasons[0]]


def test_no_text_has_the_columns_of_others(server, export):
    scorer = ServedScorer(export, options(server.address, export), explain=True)
    some, none = pa.array(["a boring plot"]), pa.array([], pa.string())
    assert scorer.score(some, EngineMetrics()).keys() == scorer.score(none, EngineMetrics()).keys()
    explained = [scorer.explain(texts, np.full(len(texts), 3), EngineMetrics()) for texts in (some, none)]
    assert explained[0].keys() == explained[1].keys()


def test_a_model_with_other_scores_is_refused(server, export):
    as_it_should = server.outputs

    def shifted(texts, signature):
        answered = as_it_should(texts, signature)
        return {**answered, "score": [score + 0.01 for score in answered["score"]]}

    server.outputs = shifted
    expected = (
        f"^--server {server.address} scores the fixed texts 0.01.* otherwise than when the model was exported: it does "
        f"not serve {export.path}"
    )
    with pytest.raises(UserError, match=expected):
        ServedScorer(export, options(server.address, export))


def test_another_version_is_refused(server, export):
    as_it_should = server.outputs
    server.outputs = lambda texts, signature: {**as_it_should(texts, signature), "model_version": [7] * len(texts)}
    with pytest.raises(UserError, match=f"^--server .* answers with version 7, not with {export.version}"):
        ServedScorer(export, options(server.address, export))


def test_an_export_of_an_earlier_version_tells_none(server, export):
    as_it_should = server.outputs

    def older(texts, signature):
        answered = as_it_should(texts, signature)
        return {name: answered[name] for name in answered if name not in ("score_min", "score_max", "model_version")}

    server.outputs = older
    assert ServedScorer(export, options(server.address, export)).engine == "server"
    assert all(f"/versions/{export.version}:predict" in path for path, _ in server.seen)


def test_a_server_without_the_version_is_told(server, export):
    server.script = [refuse(404, None, "Servable not found for request: Specific(reviews, 7)")]
    expected = f"answers 404: Servable not found .* 7\\); it must serve version {export.version} of --model, and"
    with pytest.raises(UserError, match=expected):
        ServedScorer(export, options(server.address, export))


def test_it_tries_a_whole_request_first(server, export):
    ServedScorer(export, options(server.address, export, max_rows=50))
    assert len(server.texts[0]) == 50


def test_a_text_that_the_server_fails_at_is_a_reject(server, export):
    scorer = ServedScorer(export, options(server.address, export, max_rows=4))
    as_it_should = server.outputs

    def failing(texts, signature):
        if any("poison" in text for text in texts):
            return {"score": [0.5]}
        return as_it_should(texts, signature)

    server.outputs = failing
    texts = [f"an excellent album {place}" for place in range(10)] + ["poison"] + ["boring"] * 3
    batch = pa.record_batch({"text": texts})
    scored = score_rows(scorer, batch, (), RowOptions(text_column="text"))
    assert scored.reasons == {10: "scoring_failed_ServingError"}
    assert len(scored.results["score"]) == 13


def test_a_text_that_is_too_long_for_a_request_is_a_reject(server, export):
    scorer = ServedScorer(export, options(server.address, export))
    batch = pa.record_batch({"text": ["fine", "x" * 4_000_000]})
    assert score_rows(scorer, batch, (), RowOptions(text_column="text")).reasons == {1: "scoring_failed_TextRefused"}


def test_a_server_that_refuses_whatever_it_is_asked_ends_the_job(server, export):
    scorer = ServedScorer(export, options(server.address, export))
    server.script = [says(b"token expired", 401)] * 2
    batch = pa.record_batch({"text": ["fine", "boring"]})
    with pytest.raises(UserError, match="answers 401: token expired; mend that, and --resume goes on from here"):
        score_rows(scorer, batch, (), RowOptions(text_column="text"))


def test_a_server_that_comes_back_is_asked_again_after_a_proof(server, export, impatient, caplog):
    scorer = ServedScorer(export, options(server.address, export, in_flight=1))
    server.texts.clear()
    server.script = [unavailable] * 20
    with caplog.at_level("INFO", logger="review_scorer"):
        scored = scorer.score(pa.array(["an excellent album"]), EngineMetrics())
    assert len(scored["score"]) == 1
    assert len(server.texts) == 2
    assert server.texts[0][0] == export.info.fixed_texts[0].text
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == f"{server.address} answers 503: the queue is full; waiting up to 30 s for it"
    assert messages[1].startswith("the server answers again, after ")
    assert len(messages) == 2


@pytest.mark.parametrize("status", [429, 502, 504])
def test_a_proxy_that_lacks_its_server_or_has_had_enough_is_asked_again(server, export, impatient, status):
    scorer = ServedScorer(export, options(server.address, export))
    server.script = [says(b"<h1>nginx</h1>", status)] * 20
    assert len(scorer.score(pa.array(["an excellent album"]), EngineMetrics())["score"]) == 1


def test_a_proxy_that_lets_every_third_request_pass_gets_the_job_done(server, export, impatient):
    scorer = ServedScorer(export, options(server.address, export, max_rows=1))
    server.script = [says(b"", 429), says(b"", 429), lambda handle: False] * 100
    texts = [f"text {place}" for place in range(30)]
    assert len(scorer.score(pa.array(texts), EngineMetrics())["score"]) == 30


def test_an_interruption_ends_the_wait_for_a_lost_server(server, export, impatient, caplog):
    scorer = ServedScorer(export, options(server.address, export, wait_s=3600.0, timeout_s=3600.0))
    asked = threading.Event()
    server.script = [unavailable] * 10 + [lambda handle: asked.set() or silent(server)(handle)] * 100
    with concurrent.futures.ThreadPoolExecutor() as threads:
        waiting = threads.submit(scorer.score, pa.array(["an excellent album"]), EngineMetrics())
        assert asked.wait(30)
        scorer.interrupt()
        with pytest.raises(UserError, match="is closed"):
            waiting.result(timeout=30)


def test_an_interruption_ends_the_pause_between_two_looks(server, export, monkeypatch):
    from serving.client import retries

    monkeypatch.setattr(patience, "PAUSE_S", 3600.0)
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.001)
    scorer = ServedScorer(export, options(server.address, export, wait_s=3600.0))
    server.script = [unavailable] * 1000
    with concurrent.futures.ThreadPoolExecutor() as threads:
        waiting = threads.submit(scorer.score, pa.array(["an excellent album"]), EngineMetrics())
        scorer.interrupt()
        with pytest.raises(UserError, match="^the job was interrupted while it waited for the server|is closed"):
            waiting.result(timeout=30)


def test_a_server_that_comes_back_as_another_ends_the_job(server, export, impatient):
    scorer = ServedScorer(export, options(server.address, export))
    as_it_should = server.outputs
    server.outputs = lambda texts, signature: {**as_it_should(texts, signature), "tokens": [1] * len(texts)}
    server.script = [unavailable] * 6
    with pytest.raises(UserError, match="gives other tokens for the fixed texts than when the model was exported"):
        scorer.score(pa.array(["an excellent album"]), EngineMetrics())


@pytest.mark.parametrize("lost", ["unavailable", "silent"])
def test_a_server_that_stays_lost_ends_the_job(server, export, impatient, lost):
    scorer = ServedScorer(export, options(server.address, export, wait_s=0.3, timeout_s=0.2))
    server.script = [unavailable if lost == "unavailable" else silent(server)] * 100_000
    expected = (
        r"; the job has waited 0.3 s for it \(--server_wait_s\); when the server answers again, the same command with "
        "--resume and without --overwrite goes on from here"
    )
    with pytest.raises(UserError, match=f"^{server.address} .*{expected}"):
        score_rows(scorer, pa.record_batch({"text": ["a"]}), (), RowOptions(text_column="text"))


def test_no_more_requests_are_in_flight_than_may_be(server, export):
    scorer = ServedScorer(export, options(server.address, export, in_flight=3, max_rows=1))
    as_it_should, lock = server.outputs, threading.Lock()
    running, most, all_in = [0], [0], threading.Barrier(3)

    def counting(texts, signature):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        all_in.wait(30)
        with lock:
            running[0] -= 1
        return as_it_should(texts, signature)

    server.outputs = counting
    scorer.score(pa.array([f"text {place}" for place in range(12)]), EngineMetrics())
    assert most[0] == 3
