"""What the page is sent and asks for, over HTTP."""

import csv
import io
import re

import httpx
import pytest

from tests.helpers.exports import version


def archive(server, body: str | bytes, path: str = "archive", **parameters: str) -> httpx.Response:
    return httpx.post(f"http://{server.rest}/{path}", content=body, params=parameters, timeout=60)


def test_the_page_is_one_file_that_runs_its_own_script_alone(served_cnn):
    answer = httpx.get(f"http://{served_cnn.rest}/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    # No element takes anything from an address, and no text becomes markup.
    assert set(re.findall(r'\b(?:src|href|action)="(.{5})', answer.text)) == {"data:"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|https?://(?!www\.w3\.org)", answer.text)


def test_facts_are_of_the_version_that_answers(served_cnn, cnn):
    facts = httpx.get(f"http://{served_cnn.rest}/page/facts").json()
    training = facts.pop("training_scores")
    assert (len(training), sum(training) > 200) == (10, True)
    assert facts == {
        "model": "reviews",
        "version": version(cnn).name,
        "file_rows": 5_000,
        "text_bytes": 4 * 2**20,
        "request_bytes": 16 * 2**20,
        "score_min": 0.0,
        "score_max": 100.0,
        "max_tokens": 200,
        "interval_share": 0.8,
    }


def test_a_file_gets_the_scores_that_rest_answers(served_cnn, cnn, rows):
    texts = [row["text"] for row in rows[:70]]
    file = io.StringIO()
    csv.writer(file).writerows([["id", "text"], *enumerate(texts)])
    answer = archive(served_cnn, file.getvalue(), name="my reviews.csv", column="text")
    assert answer.headers["x-rows"] == "70"
    assert answer.headers["x-model-version"] == version(cnn).name
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''my%20reviews-scored.csv"
    scored = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["text"] for row in scored] == texts
    outputs = httpx.post(f"{served_cnn.url}:predict", json={"inputs": texts}).json()["outputs"]
    for name in ("score", "score_low", "score_high", "tokens", "known_share"):
        assert [float(row[name]) for row in scored] == pytest.approx(outputs[name], abs=1e-3), name
    assert {(row["truncated"], row["rejected"]) for row in scored} == {("false", "")}


def test_the_likeliest_column_is_offered(served_cnn):
    offered = archive(served_cnn, ",id,Review body,id\n1,2,3,4\n", "archive/columns", name="a.csv")
    assert offered.json() == {"columns": ["id", "Review body"], "likely": "Review body"}


@pytest.mark.parametrize(
    ("body", "parameters", "error"),
    [
        ("id,text\n1,a\n", {}, "reviews.csv has no column ''; it has: id, text"),
        ("", {"column": "text"}, "the file has no rows that tell its columns"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_in_a_sentence(served_cnn, body, parameters, error):
    answer = archive(served_cnn, body, name="reviews.csv", **parameters)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_a_file_that_is_too_large_is_refused(served_cnn):
    answer = archive(served_cnn, b"a" * (16 * 2**20 + 1), name="a.csv", column="text")
    error = "the file has more bytes than the 16,777,216 allowed (--max_request_bytes)"
    assert (answer.status_code, answer.json()) == (413, {"error": error})
