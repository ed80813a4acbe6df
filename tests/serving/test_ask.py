"""The command that asks a server."""

import io
import json
import sys

import grpc
import pytest

from beam_pipelines.errors import UserError
from serving import ask
from tests.helpers import fake_failures, fake_serving


@pytest.fixture
def server():
    with fake_serving.rest() as fake:
        yield fake


@pytest.fixture
def typed(monkeypatch):
    """Puts bytes into standard input, which a person types or not."""

    def typing(read: bytes, is_terminal: bool = False):
        stream = io.TextIOWrapper(io.BytesIO(read))
        stream.isatty = lambda: is_terminal
        monkeypatch.setattr(sys, "stdin", stream)

    return typing


def asked(server, *flags: str) -> int:
    return ask.main(["--server", server.address, *flags])


def test_texts_are_answered_for_a_person(server, capsys):
    assert asked(server, "--text", "one two", "--text", "b") == 0
    first, text, *others = capsys.readouterr().out.splitlines()
    assert first == "   0.70  likely -0.30 to 1.70       -4 [..................======#====............] 4"
    assert text == "    one two"
    assert len(others) == 2


def test_an_explanation_lists_the_phrases(server, capsys):
    asked(server, "--text", "great plot and weak end", "--explain")
    assert capsys.readouterr().out.splitlines()[2:] == ["      -0.30  k end", "      +0.10  great"]


def test_each_line_of_a_file_is_a_line_of_json(server, capsys, tmp_path):
    (tmp_path / "reviews.txt").write_bytes("\ufeffone\r\n\nzwölf".encode())
    asked(server, "--file", str(tmp_path / "reviews.txt"), "--json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert server.texts == [["one", "", "zwölf"]]
    assert [line["score"] for line in lines] == [0.3, 0.0, 0.5]
    assert lines[0] == {
        **{"score": 0.3, "score_low": -0.7, "score_high": 1.3, "tokens": 1, "known_share": 0.5, "truncated": False},
        **{"score_min": -4.0, "score_max": 4.0, "model_version": fake_serving.VERSION},
    }


def test_standard_input_may_be_one_review(server, typed):
    typed(b"two\nparagraphs\n")
    asked(server, "--one_review")
    assert server.texts == [["two\nparagraphs"]]


def test_whoever_types_is_answered_line_by_line(server, typed, capsys):
    typed(b"one\ntwo\n", is_terminal=True)
    asked(server)
    assert server.texts == [["one"], ["two"]]
    told = f"version {fake_serving.VERSION} answered 2 reviews"
    assert capsys.readouterr().err == f"a review in each line; Ctrl-D ends\n{told}\n"


def test_in_the_end_each_version_is_told_with_its_reviews(server, typed, capsys):
    first = iter([7])
    server.outputs = lambda texts, signature: {
        **fake_serving.outputs(texts, signature),
        "model_version": [next(first, 8)] * len(texts),
    }
    typed(b"a\n" * 40)
    asked(server)
    assert capsys.readouterr().err == "version 7 answered 32 reviews; version 8 answered 8 reviews\n"


def test_a_failure_in_the_middle_tells_how_far_it_got(server, typed):
    server.script = [lambda handle: False, fake_failures.refuse(400, None, "no")]
    typed(b"a\n" * 40)
    with pytest.raises(UserError, match=f"^after 32 answers: {server.address} answers 400: no") as raised:
        asked(server)
    assert raised.value.status == 1


def test_an_interruption_in_the_middle_tells_how_far_it_got(server, monkeypatch, capsys):
    from serving.client import printing

    texts = iter(["first"])
    monkeypatch.setattr(printing, "printed", lambda *_: next(texts, None) or interrupt())

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(server, "--text", "a", "--text", "b")
    assert capsys.readouterr().err == "after 1 answer: "


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_number_that_is_not_finite(server, value, capsys):
    server.outputs = lambda texts, signature: {**fake_serving.outputs(texts, signature), "score": [value] * len(texts)}
    with pytest.raises(UserError, match=f"^the server's answer has {value} as score; expected a finite number"):
        asked(server, "--text", "a", "--json")
    assert capsys.readouterr().out == ""


def test_whoever_asks_too_often_is_not_told_to_start_the_server(server):
    server.script = [fake_failures.later("99")]
    with pytest.raises(UserError, match=f"^{server.address} answers 429: too many requests") as raised:
        asked(server, "--text", "a")
    assert "--server right" not in str(raised.value)


def test_whoever_has_no_token_is_told_which_flag_gives_it(server):
    server.script = [fake_failures.refuse(401, grpc.StatusCode.UNAUTHENTICATED, "Give a valid token")]
    with pytest.raises(UserError, match="answers 401: Give a valid token; a token is given by --token_file"):
        asked(server, "--text", "a")


def test_a_version_and_a_label_exclude_each_other(server, capsys):
    with pytest.raises(SystemExit):
        asked(server, "--text", "a", "--model_version", "7", "--version_label", "stable")
    assert "error: --model_version and --version_label exclude each other; give one of them" in capsys.readouterr().err


def test_the_token_comes_from_a_file_or_the_environment(server, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("from file\n")
    asked(server, "--text", "a", "--token_file", str(tmp_path / "token"))
    monkeypatch.setenv("REVIEW_SCORER_TOKEN", "from environment")
    asked(server, "--text", "a")
    tokens = [headers["Authorization"] for _, headers in server.seen]
    assert tokens == ["Bearer from file", "Bearer from environment"]


def test_the_model_may_be_another(server):
    asked(server, "--text", "a", "--model_name", "films", "--model_version", "7")
    asked(server, "--text", "a", "--version_label", "stable")
    paths = [path for path, _ in server.seen]
    assert paths == ["/v1/models/films/versions/7:predict", "/v1/models/reviews/labels/stable:predict"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--text", "a" * 2_000_000], r"^review 1 has 2,000,000 bytes, more than max_text_bytes \(1,048,576\)"),
        (["--file", "/none"], "^--file /none cannot be read: No such file or directory"),
        (
            ["--text", "a", "--token_file", "/none"],
            "^--server .*: the file of the token, /none, cannot be read",
        ),
    ],
)
def test_what_can_be_mended_is_one_sentence(server, flags, expected):
    with pytest.raises(UserError, match=expected):
        asked(server, *flags)


def test_a_file_in_another_encoding_is_named(server, tmp_path):
    file = tmp_path / "latin1.txt"
    file.write_bytes(b"fine\nsch\xf6n\n")
    with pytest.raises(UserError, match=f"^line 2 of {file} is not UTF-8; convert it, as with iconv -t utf-8"):
        asked(server, "--file", str(file))


def test_the_servers_words_are_told(server):
    server.script = [fake_failures.refuse(404, None, "Servable not found for request: Specific(reviews, 7)")]
    expected = f"^{server.address} answers 404: Servable not found for request: Specific\\(reviews, 7\\)"
    with pytest.raises(UserError, match=expected) as raised:
        asked(server, "--text", "a")
    assert raised.value.status == 1


def test_a_server_that_is_not_there():
    expected = "^http://127.0.0.1:1 cannot be reached: Connection refused; is the server running, and --server right\\?"
    with pytest.raises(UserError, match=expected):
        ask.main(["--server", "127.0.0.1:1", "--text", "a", "--timeout_s", "0.1"])


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1"])
def test_a_time_that_cannot_be_waited_for_is_refused(server, seconds, capsys):
    with pytest.raises(SystemExit):
        asked(server, "--text", "a", f"--timeout_s={seconds}")
    expected = f"error: --timeout_s is {seconds}; it must be above 0 s, and at most 604800 s, a week\n"
    assert capsys.readouterr().err.endswith(expected)


@pytest.mark.parametrize("name", ["few.csv", "FEW.TSV", "few.json.gz", "few.jsonl.zst", "few.parquet", "few.zip"])
def test_an_archive_is_refused(server, name, capsys):
    with pytest.raises(SystemExit):
        asked(server, "--file", name)
    assert capsys.readouterr().err.endswith(
        f"--file {name} is an archive by its name, and not a file with a review in each line; beam_pipelines.score "
        "--server scores the column of its texts\n"
    )
    assert server.seen == []


@pytest.mark.parametrize("flags", [["--text", "a", "--file", "b"], ["--text", "a", "--one_review"]])
def test_texts_come_from_one_place(server, flags, capsys):
    with pytest.raises(SystemExit):
        asked(server, *flags)
    assert capsys.readouterr().err.endswith("--text and --file or --one_review exclude each other; give one of them\n")
