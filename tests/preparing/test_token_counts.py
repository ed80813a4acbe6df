"""Tokens of the training split are counted as plain Python counts them, however they are parted and merged."""

import collections

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.preparing import recurring_texts, splits, token_counts
from beam_pipelines.preparing.parts import MergeParts
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.splits import SplitShares
from beam_pipelines.preparing.token_counts import CountTokens
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.blocks import rated
from tests.helpers.reviews import review
from tests.helpers.tokens import RULE, plain_tokens

MAX_TOKENS, PARTS = 20, 16
SHARES = SplitShares(test=0.3, validation=0.2, sample=0.8)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Three hundred of known words, and one that nobody else wrote in each."""
    random = np.random.default_rng(1)
    return [f"{review(random, 10 * (number % 10))} word{number}" for number in range(300)]


def outputs_of(
    blocks: list[Reviews], shares: SplitShares = SHARES, parts: int = PARTS, step: CountTokens | None = None
) -> dict[str, list[tuple]]:
    """What the step puts out of some blocks in one bundle, by tag."""
    step = step or CountTokens(shares, RULE, MAX_TOKENS, parts)
    step.setup()
    step.start_bundle()
    outputs = [output for block in blocks for output in step.process(block)]
    outputs += [beam.pvalue.TaggedOutput(output.tag, output.value.value) for output in step.finish_bundle()]
    step.teardown()
    by_tag: dict[str, list[tuple]] = {"counts": [], "texts": []}
    for output in outputs:
        by_tag[output.tag].append(output.value)
    return by_tag


def total(counted: list[tuple]) -> collections.Counter:
    counts: collections.Counter = collections.Counter()
    for _, piece in counted:
        counts.update(dict(zip(piece["token"].to_pylist(), piece["count"].to_pylist(), strict=True)))
    return counts


def merged(pieces: list[tuple], function: str) -> list[tuple]:
    """What the pipeline makes of pieces."""
    by_part = collections.defaultdict(list)
    for part, piece in pieces:
        by_part[part].append(piece)
    merge = MergeParts(function)
    return [(part, merge.extract_output(merge.merge_accumulators([of_part]))) for part, of_part in by_part.items()]


def expected_counts(texts: list[str], is_training: np.ndarray) -> dict[bytes, int]:
    tokens = [
        token
        for text, counts in zip(texts, is_training, strict=True)
        if counts
        for token in plain_tokens(text)[:MAX_TOKENS]
    ]
    return {token.encode(): count for token, count in collections.Counter(tokens).items()}


def fingerprints(texts: list[str]) -> np.ndarray:
    tokenizer = CompiledTokenizer(RULE)
    return tokenizer.fingerprints(tokenizer(pa.array(texts)))


@pytest.mark.parametrize("most_tokens", [1 << 20, 10])
def test_the_first_tokens_of_training_texts_are_counted(texts, monkeypatch, most_tokens):
    """In as many pieces as the memory asks for."""
    monkeypatch.setattr(token_counts, "MOST_TOKENS", most_tokens)
    is_training = splits.assign(fingerprints(texts), SHARES) == splits.TRAIN_INDEX
    assert 80 < is_training.sum() < 160
    counted = outputs_of([rated(f"b{block}", texts[block * 30 : block * 30 + 30]) for block in range(10)])
    assert (len(counted["counts"]) > PARTS) == (most_tokens == 10)
    assert total(counted["counts"]) == expected_counts(texts, is_training)
    assert counted["texts"] == []


def test_a_token_is_always_in_the_same_part(texts):
    """Whichever block it stands in, or else its counts would not meet."""
    parts = collections.defaultdict(set)
    for block in (rated("a", texts), rated("b", texts[::-1][:50])):
        for part, piece in outputs_of([block])["counts"]:
            for token in piece["token"].to_pylist():
                parts[token].add(part)
    assert all(len(numbers) == 1 for numbers in parts.values())
    assert set.union(*parts.values()) == set(range(PARTS))


def test_as_many_parts_as_are_wanted(texts):
    counted = outputs_of([rated("a", texts)], parts=100)["counts"]
    assert 30 < len({part for part, _ in counted}) <= 100
    assert total(counted) == total(outputs_of([rated("a", texts)])["counts"])


def test_a_bundle_without_reviews_counts_nothing():
    assert outputs_of([]) == outputs_of([rated("a", [])]) == {"counts": [], "texts": []}


@pytest.mark.parametrize("most_texts", [1 << 20, 50])
def test_texts_of_training_that_recur_in_the_other_splits_are_found(texts, tmp_path, monkeypatch, most_texts):
    """With a split column only, since by their texts equal ones are in one split."""
    monkeypatch.setattr(token_counts, "MOST_TEXTS", most_texts)
    keys = [f"album {number // 3}" for number in range(300)]
    repeated = [*texts, *texts[:60]]
    repeated_keys = [*keys, *(f"other {number}" for number in range(60))]
    split = splits.assign(splits.key_hashes(repeated_keys), SHARES)
    training = {text for text, index in zip(repeated, split, strict=True) if index == 0}
    held_out = {text for text, index in zip(repeated, split, strict=True) if index > 0}
    recurring = sorted(training & held_out)
    assert len(recurring) > 10

    blocks = [
        rated(f"b{start}", repeated[start : start + 45], split_keys=repeated_keys[start : start + 45])
        for start in range(0, 360, 45)
    ]
    listed = outputs_of(blocks)["texts"]
    by_file = collections.defaultdict(list)
    for part in merged(listed, recurring_texts.MERGE):
        number, hashes = recurring_texts.recurring(part)
        by_file[number].append(hashes)
    for found in by_file.items():
        recurring_texts.write(found, folder=str(tmp_path))
    assert recurring_texts.read(str(tmp_path)).tolist() == sorted(fingerprints(recurring).tolist())
    assert sum(piece.num_rows for _, piece in listed) == np.sum(split >= 0)


def test_all_texts_are_listed_where_others_are_told_from_them(texts):
    """Also those that are not sampled, and without a split column."""
    split = splits.assign(fingerprints(texts), SHARES)
    step = CountTokens(SHARES, RULE, MAX_TOKENS, PARTS, lists_all=True)
    listed = outputs_of([rated("a", texts[:200]), rated("b", texts[200:])], step=step)["texts"]
    found = {row["text"]: (row["training"], row["held_out"]) for _, piece in listed for row in piece.to_pylist()}
    sides = {
        int(text): (bool(index == 0), bool(index > 0)) for text, index in zip(fingerprints(texts), split, strict=True)
    }
    assert found == sides
    assert (False, False) in sides.values()
    # Parts in order hold hashes in order.
    for part, piece in listed:
        assert {int(text) * PARTS >> 63 for text in piece["text"].to_pylist()} == {part}


def test_hashes_of_texts_are_handed_on_before_they_grow(texts, monkeypatch):
    monkeypatch.setattr(token_counts, "MOST_TEXTS", 50)
    step = CountTokens(SplitShares(test=0.3, validation=0.2), RULE, MAX_TOKENS, PARTS)
    step.setup()
    step.start_bundle()
    given = [list(step.process(rated("a", texts[:30], split_keys=["k"] * 30))) for _ in range(4)]
    step.teardown()
    # The outputs of a block come as the next one is given.
    assert [any(output.tag == "texts" for output in outputs) for outputs in given] == [False, False, True, False]


COUNTS = {b"good": 2**40, "caf\u00e9".encode(): 1, b"b": 7, b"a": 7, b"c": 7}


def written(folder: object, most: int | None) -> dict[bytes, int]:
    batch = pa.record_batch(
        {"token": pa.array(COUNTS.keys(), pa.binary()), "count": pa.array(COUNTS.values(), pa.int64())}
    )
    totals = token_counts.write_counts((3, batch), folder=str(folder), most=most)
    assert totals == (5, 2**40 + 22)
    table = pq.read_table(f"{folder}/counts/0003.parquet")
    return dict(zip(table["token"].to_pylist(), table["count"].to_pylist(), strict=True))


def test_all_tokens_of_a_part_are_written_where_any_may_have_a_vector(tmp_path):
    assert written(tmp_path, None) == COUNTS


def test_otherwise_the_most_frequent_ones_are(tmp_path):
    """Ties by the token; the totals are those of all."""
    assert written(tmp_path, 3) == {b"good": 2**40, b"a": 7, b"b": 7}
    assert written(tmp_path, 100) == COUNTS
