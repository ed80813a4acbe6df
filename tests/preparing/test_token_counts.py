"""Tokens of the training split are counted as plain Python counts them, however they are parted and merged."""

import collections

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that

from beam_pipelines.preparing import splits, token_counts
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.splits import SplitShares
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.blocks import rated
from tests.helpers.reviews import review
from tests.helpers.tokens import plain_tokens

MAX_TOKENS = 20
SHARES = SplitShares(test=0.3, validation=0.2, sample=0.8)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Three hundred of known words, and one that nobody else wrote in each."""
    random = np.random.default_rng(1)
    return [f"{review(random, 10 * (number % 10))} word{number}" for number in range(300)]


def outputs_of(blocks: list[Reviews], shares: SplitShares = SHARES) -> dict[str, list[tuple]]:
    """What the step puts out of some blocks in one bundle, by tag."""
    step = token_counts.CountTokens(shares, MAX_TOKENS)
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
    merge = token_counts.MergeCounts()
    counts = merge.create_accumulator()
    for _, part_counts in counted:
        counts = merge.add_input(counts, part_counts)
    return merge.extract_output(counts)


def expected_counts(texts: list[str], is_training: np.ndarray) -> dict[bytes, int]:
    tokens = [
        token
        for text, counts in zip(texts, is_training, strict=True)
        if counts
        for token in plain_tokens(text)[:MAX_TOKENS]
    ]
    return {token.encode(): count for token, count in collections.Counter(tokens).items()}


def fingerprints(texts: list[str]) -> np.ndarray:
    tokenizer = CompiledTokenizer()
    return tokenizer.fingerprints(tokenizer(pa.array(texts)))


@pytest.mark.parametrize("most_tokens", [1 << 20, 10])
def test_the_first_tokens_of_training_texts_are_counted(texts, monkeypatch, most_tokens):
    """In as many pieces as the memory asks for."""
    monkeypatch.setattr(token_counts, "MOST_TOKENS", most_tokens)
    is_training = splits.assign(fingerprints(texts), SHARES) == splits.TRAIN_INDEX
    assert 80 < is_training.sum() < 160
    counted = outputs_of([rated(f"b{block}", texts[block * 30 : block * 30 + 30]) for block in range(10)])
    assert (len(counted["counts"]) > token_counts.PARTS) == (most_tokens == 10)
    assert total(counted["counts"]) == expected_counts(texts, is_training)
    assert counted["texts"] == []


def test_a_token_is_always_in_the_same_part(texts):
    """Whichever block it stands in, or else its counts would not meet."""
    parts = collections.defaultdict(set)
    for block in (rated("a", texts), rated("b", texts[::-1][:50])):
        for part, (tokens, _) in outputs_of([block])["counts"]:
            for token in tokens:
                parts[token].add(part)
    assert all(len(numbers) == 1 for numbers in parts.values())
    assert set.union(*parts.values()) == set(range(token_counts.PARTS))


def test_a_bundle_without_reviews_counts_nothing():
    assert outputs_of([]) == outputs_of([rated("a", [])]) == {"counts": [], "texts": []}


def test_texts_of_training_that_recur_in_the_other_splits_are_found(texts, tmp_path):
    """With a split column only, since by their texts equal ones are in one split."""
    keys = [f"album {number // 3}" for number in range(300)]
    repeated = [*texts, *texts[:60]]
    repeated_keys = [*keys, *(f"other {number}" for number in range(60))]
    split = splits.assign(splits.key_hashes(repeated_keys), SHARES)
    sides = {
        side: {text for text, index in zip(repeated, split, strict=True) if is_side(index)}
        for side, is_side in (
            (token_counts.TRAINING, lambda index: index == 0),
            (token_counts.HELD_OUT, lambda index: index > 0),
        )
    }
    recurring = sorted(sides[token_counts.TRAINING] & sides[token_counts.HELD_OUT])
    assert len(recurring) > 10

    blocks = [
        rated(f"b{start}", repeated[start : start + 45], split_keys=repeated_keys[start : start + 45])
        for start in range(0, 360, 45)
    ]
    merge = token_counts.MergeHashes()
    for side in sides:
        unions = [
            merge.add_input(merge.create_accumulator(), hashes)
            for of_side, hashes in outputs_of(blocks)["texts"]
            if of_side == side
        ]
        token_counts.write_hashes((side, merge.merge_accumulators(unions)), folder=str(tmp_path))
    assert token_counts.read_recurring(str(tmp_path)).tolist() == sorted(fingerprints(recurring).tolist())


def test_counts_and_hashes_merge_in_a_pipeline():
    counts = [(np.array([b"a", b"b"], object), np.array([1, 2])), (np.array([b"b"], object), np.array([5]))]
    hashes = [np.array([7, 2**62]), np.array([], np.int64), np.array([1, 7])]

    def check_counts(merged):
        assert merged == [{b"a": 10, b"b": 70}]
        assert all(type(count) is int for count in merged[0].values())

    def check_hashes(merged):
        assert [(union.dtype, union.tolist()) for union in merged] == [(np.int64, [1, 7, 2**62])]

    def check_none(merged):
        assert [(union.dtype, union.size) for union in merged] == [(np.int64, 0)]

    with beam.Pipeline(runner="FnApiRunner") as root:
        merged = root | "Counts" >> beam.Create(counts * 10) | beam.CombineGlobally(token_counts.MergeCounts())
        assert_that(merged, check_counts, label="counts are those of all")
        union = root | "Hashes" >> beam.Create(hashes) | "Unite" >> beam.CombineGlobally(token_counts.MergeHashes())
        assert_that(union, check_hashes, label="hashes are those of all")
        nothing = (
            root | "Nothing" >> beam.Create([]) | "Unite nothing" >> beam.CombineGlobally(token_counts.MergeHashes())
        )
        assert_that(nothing, check_none, label="no hashes are none")


def test_what_two_workers_found_is_one_sorted_union():
    merged = token_counts.MergeHashes().merge_accumulators(
        [np.array([5, 2**62]), np.array([1, 5]), np.empty(0, np.int64)]
    )
    assert (merged.dtype, merged.tolist()) == (np.int64, [1, 5, 2**62])
    merged = token_counts.MergeCounts().merge_accumulators([collections.Counter(a=1, b=2), collections.Counter(b=5)])
    assert merged == {"a": 1, "b": 7}


def test_written_counts_are_read_as_text(tmp_path):
    token_counts.write_counts((3, collections.Counter({b"good": 2**40, "caf\u00e9".encode(): 1})), folder=str(tmp_path))
    token_counts.write_counts((15, {b"other": 7}), folder=str(tmp_path))
    assert token_counts.read_counts(str(tmp_path)) == {"good": 2**40, "caf\u00e9": 1, "other": 7}
    assert token_counts.read_counts(str(tmp_path / "empty")) == {}


def test_without_hashes_of_both_sides_nothing_recurs(tmp_path):
    assert token_counts.read_recurring(str(tmp_path)).tolist() == []
    token_counts.write_hashes((token_counts.TRAINING, np.array([1, 2])), folder=str(tmp_path))
    assert token_counts.read_recurring(str(tmp_path)).tolist() == []
