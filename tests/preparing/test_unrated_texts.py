"""Unrated texts are counted and chosen in one reading, and written in another, however they are cut."""

import csv
import pathlib

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from beam_pipelines.archive import read_extents
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing import rated_texts, token_counts, unrated_choice, unrated_counts
from beam_pipelines.preparing.unrated_choice import MergeLowest
from beam_pipelines.preparing.unrated_counts import UnratedCounts
from beam_pipelines.preparing.unrated_reviews import UnratedReviews, UnratedRules, unrated_reviews
from beam_pipelines.preparing.unrated_texts import CountUnrated, WriteUnrated
from beam_pipelines.text import transform_graph
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.archives import list_extents
from tests.helpers.tokens import RULE

# Every word stands in all texts; a third of the texts stands once more, and one has no token.
TEXTS = [f"good film {number}" for number in range(60)] + [f"GOOD, film {number}" for number in range(20)] + ["..."]
RATED = TEXTS[30:40]
RULES = UnratedRules(text_column="text", scale=Scale(0, 100), teacher_column="judge")
MOST, PARTS = 25, 16


def hashes_of(texts: list[str]) -> list[int]:
    tokenizer = CompiledTokenizer(RULE)
    return tokenizer.fingerprints(tokenizer(pa.array(texts))).tolist()


def expected() -> list[int]:
    """The numbers of the texts that are chosen, which stand in the first sixty rows."""
    others = [number for number in range(60) if TEXTS[number] not in RATED]
    hashes = hashes_of(TEXTS)
    return sorted(sorted(others, key=lambda number: hashes[number])[:MOST])


@pytest.fixture
def counted(tmp_path) -> pathlib.Path:
    """What is left of the rated texts."""
    hashes = np.array(hashes_of(RATED), np.int64)
    part_of = rated_texts.part_of(hashes, PARTS)
    for part in set(part_of.tolist()):
        rated_texts.write((part, pa.record_batch({"text": hashes[part_of == part]})), folder=f"{tmp_path}/counted")
    return tmp_path / "counted"


def options(block_bytes: int) -> ReadOptions:
    return ReadOptions(columns=("text", "judge"), block_bytes=block_bytes, extent_bytes=700)


def write_csv(path: pathlib.Path) -> None:
    with path.open("w", newline="") as file:
        rows = [(text, number if number % 2 else "") for number, text in enumerate(TEXTS)]
        csv.writer(file).writerows([("text", "judge"), *rows])


def blocks(path: pathlib.Path, block_bytes: int) -> list[UnratedReviews]:
    write_csv(path)
    read_options = options(block_bytes)
    extents = list_extents(found_files.find([str(path)])[0], read_options)
    read = [block for extent in extents for block in read_extents.read(extent, read_options)]
    return [unrated_reviews(block, RULES) for block in read]


def outputs_of(given: list[UnratedReviews], counted: pathlib.Path) -> dict[str, list]:
    """What the step puts out of some blocks in one bundle, by tag."""
    step = CountUnrated(str(counted), rated_parts=PARTS, most=MOST, rule=RULE, max_tokens=2, parts=PARTS)
    step.setup()
    step.start_bundle()
    outputs = [output for block in given for output in step.process(block, [])]
    outputs += [beam.pvalue.TaggedOutput(output.tag, output.value.value) for output in step.finish_bundle()]
    step.teardown()
    by_tag: dict[str, list] = {"counts": [], "chosen": []}
    for output in outputs:
        by_tag[output.tag].append(output.value)
    return by_tag


def chosen(tables: list[pa.Table]) -> pa.Table:
    merge = MergeLowest(MOST)
    return merge.merge_accumulators([merge.add_input(merge.create_accumulator(), table) for table in tables])


@pytest.mark.parametrize("block_bytes", [100, 1 << 20])
@pytest.mark.parametrize("most_tokens", [1 << 20, 10])
def test_tokens_are_counted_and_texts_chosen(counted, tmp_path, monkeypatch, block_bytes, most_tokens):
    monkeypatch.setattr(token_counts, "MOST_TOKENS", most_tokens)
    given = blocks(tmp_path / "a.csv", block_bytes)
    assert (len(given) > 5) == (block_bytes == 100)
    outputs = outputs_of(given, counted)
    counts: dict[str, int] = {}
    for _, piece in outputs["counts"]:
        for row in piece.to_pylist():
            counts[row["token"].decode()] = counts.get(row["token"].decode(), 0) + row["count"]
    assert counts == {"good": 80, "film": 80}
    # Lines are numbered from 1, and the first one is the header.
    found = chosen(outputs["chosen"]).to_pylist()
    assert sorted(row["row"] - 2 for row in found) == expected()
    assert [row["text"] for row in found] == sorted(row["text"] for row in found)


def written(folder: pathlib.Path, counted: pathlib.Path, path: pathlib.Path, block_bytes: int) -> UnratedCounts:
    step = WriteUnrated(
        str(folder),
        str(counted),
        rules=RULES,
        most=MOST,
        read_options=options(block_bytes),
        index_digits=6,
        first_trained_id=4,
        rule=RULE,
        max_tokens=3,
    )
    step.setup()
    step.start_bundle()
    extents = list_extents(found_files.find([str(path)])[0], step.read_options)
    counts = [counts for extent in extents for counts in step.process(extent)]
    counts += [output.value for output in step.finish_bundle()]
    step.teardown()
    return unrated_counts.sum_counts(counts)


def records(folder: pathlib.Path) -> dict[str, list[tf.train.Example]]:
    """The examples by the name of their shard."""
    return {
        path.name: [
            tf.train.Example.FromString(record.numpy())
            for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP")
        ]
        for path in sorted((folder / "unrated").iterdir())
    }


def test_shards_are_equal_whatever_the_size_of_a_block(counted, tmp_path):
    transform_graph.write_graph(str(tmp_path / "out"), ["good", "film"], first_trained_id=4, rule=RULE, max_tokens=3)
    path = tmp_path / "a.csv"
    unrated_choice.write(chosen(outputs_of(blocks(path, 100), counted)["chosen"]), folder=str(counted))
    found, counts = [], []
    for block_bytes in (100, 1 << 20):
        counts.append(written(tmp_path / "out", counted, path, block_bytes))
        found.append(records(tmp_path / "out"))
    assert found[0] == found[1]
    assert counts[0] == counts[1]
    assert list(found[0]) == ["000000-00000000-000000000000000.tfrecord.gz", *list(found[0])[1:]]
    assert len(found[0]) > 1

    examples = [example.features.feature for of_shard in found[0].values() for example in of_shard]
    numbers = [int(example["id"].bytes_list.value[0].decode().split(":")[1]) - 2 for example in examples]
    assert numbers == expected()
    for number, example in zip(numbers, examples, strict=True):
        assert list(example["ids"].int64_list.value) == [2, 3, 1]
        assert list(example["teacher_scores"].float_list.value) == ([number] if number % 2 else [])
        assert list(example["teacher_weights"].float_list.value) == ([1] if number % 2 else [])
    assert (counts[0].used, counts[0].with_teacher) == (MOST, sum(number % 2 for number in numbers))
    assert counts[0].left_out["no_token"] == 1
    assert counts[0].left_out.total() == len(TEXTS) - MOST
    assert counts[0].digest > 0
