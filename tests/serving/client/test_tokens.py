"""Where a token comes from, and what cannot be one."""

import pytest

from serving.client import tokens


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Gives a token by the environment or by a file, and reads it."""
    monkeypatch.delenv(tokens.VARIABLE, raising=False)

    def read(source: str, token: str) -> str | None:
        if source == "file":
            path = tmp_path / "token"
            path.write_text(token)
            return tokens.read(str(path))
        monkeypatch.setenv(tokens.VARIABLE, token)
        return tokens.read(None)

    return read


@pytest.mark.parametrize("source", ["file", "environment"])
def test_a_newline_at_the_end_is_no_part_of_a_token(given, source):
    assert given(source, "secret\n") == "secret"


@pytest.mark.parametrize("source", ["file", "environment"])
@pytest.mark.parametrize("token", ["one\ntwo", "s\u00fc\u00df", "a\x01b"])
def test_what_no_header_can_hold_is_refused(given, source, token):
    with pytest.raises(ValueError, match="token"):
        given(source, token)


def test_an_empty_variable_is_no_token(given):
    assert given("environment", " \n") is None
    with pytest.raises(ValueError, match="holds no token of ASCII characters in a single line"):
        given("file", "")
