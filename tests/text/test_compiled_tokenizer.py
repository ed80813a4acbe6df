"""The compiled tokeniser makes the tokens of the graph from any text."""

import collections
import mmap
import os
import pathlib
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.artifacts.tokenizer import OLDER, Tokenizer
from beam_pipelines.text import characters, tokens
from beam_pipelines.text.compiled_token_table import TokenTable
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer, Tokenized
from tests.helpers.tokens import ALL_CASES, RULE, RULES, VOCABULARY, WITHOUT_MARKS, texts_of

ROOT = pathlib.Path(__file__).parent.parent.parent


def by_graph(texts: list[str], rule: Tokenizer) -> list[list[bytes]]:
    return tokens.tokenize(tf.constant(texts, tf.string), rule).to_list()


def spelled(tokenized: Tokenized, vocabulary: list[str]) -> list[list[bytes]]:
    others = tokenized.others.tokens.to_pylist()
    names = [vocabulary[code].encode() if code >= 0 else others[-1 - code] for code in tokenized.codes]
    ends = np.cumsum(tokenized.lengths)
    return [names[end - length : end] for end, length in zip(ends, tokenized.lengths, strict=True)]


@pytest.mark.parametrize("vocabulary", [[], VOCABULARY])
@given(rule=st.sampled_from(RULES), texts=texts_of)
@settings(max_examples=500, deadline=None)
def test_tokens_are_those_of_the_graph(vocabulary, rule, texts):
    tokenized = CompiledTokenizer(rule, pa.array(vocabulary, pa.string()))(pa.array(texts, pa.string()))
    assert spelled(tokenized, vocabulary) == by_graph(texts, rule)
    others = tokenized.others.tokens.to_pylist()
    assert len(others) == len(set(others))
    assert not {token.encode() for token in vocabulary} & set(others)


@pytest.mark.parametrize(
    ("rule", "codes"),
    [(RULE, 0x20000), (OLDER, 0x20000), pytest.param(RULE, 0x110000, marks=pytest.mark.slow)],
    ids=["plain", "older", "whole"],
)
def test_every_character_is_the_same_to_both(rule, codes):
    """Alone, at the start, in the middle and at the end of a word, and after a sigma."""
    letters = [chr(code) for code in range(1, codes) if not 0xD800 <= code < 0xE000]
    texts = [f"{letter} A{letter}b {letter}C D{letter} \u03a3{letter} {letter}\u03a3" for letter in letters]
    tokenized = CompiledTokenizer(rule)(pa.array(texts))
    others = tokenized.others.tokens.to_numpy(zero_copy_only=False)
    for first in range(0, len(texts), 100_000):
        graph = tokens.tokenize(tf.constant(texts[first : first + 100_000]), rule)
        before, after = tokenized.lengths[:first].sum(), tokenized.lengths[: first + 100_000].sum()
        assert graph.row_lengths().numpy().tolist() == tokenized.lengths[first : first + 100_000].tolist()
        assert (others[-1 - tokenized.codes[before:after]] == graph.flat_values.numpy()).all()


@pytest.mark.parametrize(("rule", "text", "expected"), ALL_CASES)
def test_cases(rule, text, expected):
    tokenized = CompiledTokenizer(rule)(pa.array([text]))
    assert spelled(tokenized, []) == [[token.encode() for token in expected]]


def test_special_characters_at_every_place_of_a_block():
    """Compiled loops take 64 bytes at a time: what is special stands before, on and after their edges."""
    special = [*np.flatnonzero(characters.kinds(RULE))[::97].tolist(), 0x2019, 0xFF01, 0x1F600, 0xFE0F]
    texts = ["x" * before + chr(code) + "y" * 70 for before in range(140) for code in special]
    tokenized = CompiledTokenizer(RULE)(pa.array(texts))
    assert spelled(tokenized, []) == by_graph(texts, RULE)
    flags = ["x" * before + "\U0001f1e9\U0001f1ea" * 40 + "\U0001f1eb" for before in range(70)]
    assert spelled(CompiledTokenizer(RULE)(pa.array(flags)), []) == by_graph(flags, RULE)
    marks = ["!" * before + "ab?" * 50 for before in range(140)]
    assert spelled(CompiledTokenizer(RULE)(pa.array(marks)), []) == by_graph(marks, RULE)


def test_a_rule_of_a_newer_version_is_refused():
    with pytest.raises(ValueError, match="typography plain_9 is not known to this version"):
        CompiledTokenizer(Tokenizer("plain_9", punctuation_tokens=True))


def test_a_slice_of_texts_and_texts_of_large_offsets():
    texts = pa.array(["caf\u00e9", "bad\u2026film", "", "film film", "end\u2019"])
    tokenizer = CompiledTokenizer(RULE, pa.array(VOCABULARY))
    for batch in (texts[1:4], texts.cast(pa.large_string())[1:4]):
        tokenized = tokenizer(batch)
        assert tokenized.lengths.tolist() == [2, 0, 2]
        assert spelled(tokenized, VOCABULARY) == [[b"bad", b"film"], [], [b"film", b"film"]]


def test_tokens_are_counted_over_many_texts_as_plain_python_counts():
    """A hundred thousand distinct tokens: the table grows many times, and parts are shared out to threads."""
    random = np.random.default_rng(0)
    words = [f"w{number}" * (1 + number % 5) + ("\u00c9" if number % 7 == 0 else "") for number in range(100_000)]
    texts = [" ".join(words[index] for index in random.zipf(1.2, 300) % len(words)) for _ in range(1000)]
    texts += [" ".join(words)]
    expected = collections.Counter(token for text in texts for token in text.lower().split())
    others = TokenTable()
    counts = np.zeros(0, np.int64)
    for half in (texts[:500], texts[500:]):
        tokenized = CompiledTokenizer(RULE)(pa.array(half), others)
        counts = np.pad(counts, (0, len(others) - len(counts)))
        counts += np.bincount(-1 - tokenized.codes, minlength=len(others))
    count_by_token = dict(zip(others.tokens.to_pylist(), counts.tolist(), strict=True))
    assert count_by_token == {token.encode(): count for token, count in expected.items()}


def test_fingerprints_are_equal_for_equal_tokens_alone():
    texts = pa.array(["Good film?!", "good\n\nFILM", "film good", "goodfilm", "", "CAF\u00c9 good", "caf\u00e9 good"])
    tokenizer = CompiledTokenizer(RULE)
    first, same, *others, upper, lower = tokenizer.fingerprints(tokenizer(texts)).tolist()
    assert first == same
    assert upper == lower
    assert len({first, *others, upper}) == 5
    assert min(first, *others, upper) >= 0
    with_ids = CompiledTokenizer(RULE, pa.array(VOCABULARY))
    assert with_ids.fingerprints(with_ids(texts)).tolist() == [first, same, *others, upper, lower]
    without_marks = CompiledTokenizer(WITHOUT_MARKS)
    assert without_marks.fingerprints(without_marks(texts)).tolist() == [first, same, *others, upper, lower]
    assert first == 332125319540003852  # Written down: another process must find the same.


CACHED = """
import numpy as np, pyarrow as pa
from beam_pipelines.artifacts.tokenizer import OLDER
from beam_pipelines.text import compiled_tokenizer
print(compiled_tokenizer.CompiledTokenizer(OLDER)(pa.array(["a good film"])).lengths.tolist())
"""


@pytest.mark.slow
def test_a_damaged_or_forbidden_cache_is_passed_over(tmp_path):
    def run(cache):
        command = [sys.executable, "-c", CACHED]
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert run(tmp_path / "cache") == "[3]\n"
    damaged = list((tmp_path / "cache").rglob("*.nb?"))
    assert damaged
    for path in damaged:
        path.write_bytes(b"")
    assert run(tmp_path / "cache") == "[3]\n"
    (tmp_path / "file").write_text("no folder")
    assert run(tmp_path / "file") == "[3]\n"


GUARDED = """
import numpy as np, pyarrow as pa
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.guarded_memory import array_before_forbidden_page
from tests.helpers.tokens import RULE

tokenizer = CompiledTokenizer(RULE, pa.array(["good"]))
for size in (1, 2, 7, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000):
    long, curly = (b"x" * 16 + b" ") * (size // 17) + b"y" * (size % 17), b"z" * (size - 3) + "\u2019".encode()[: size]
    for text in (b"a" * size, (b"good, " * size)[:size], long, *([curly] if size > 2 else [])):
        letters = array_before_forbidden_page(np.frombuffer(text, np.uint8))
        offsets = pa.py_buffer(np.array([0, size], np.int32))
        texts = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.foreign_buffer(letters.ctypes.data, size)])
        expected = text.decode().translate({ord(","): " ", 0x2019: " "}).split()
        assert tokenizer(texts).lengths[0] == len(expected), text
print("all read")
"""


@pytest.mark.skipif(not hasattr(mmap, "MAP_ANONYMOUS"), reason="memory is protected in the way of POSIX")
def test_nothing_is_read_past_the_end_of_the_texts():
    """They end where memory does that no one may read: who does is killed."""
    ended = subprocess.run([sys.executable, "-c", GUARDED], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "all read\n"), ended.stderr[-2000:]
