"""The whole job against the answer of plain functions."""

import collections
import json
import os
import pathlib

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from beam_pipelines.artifacts import distributions
from tests.helpers.commands import run_command, run_preprocess
from tests.helpers.examples import examples
from tests.helpers.rejects import rejected
from tests.helpers.reviews import DIM, write_csv
from tests.helpers.tokens import plain_tokens


def test_examples_hold_the_ids_score_and_row_of_every_review(rows, prepared):
    vocabulary = (prepared / "transform/transform_fn/assets/vocabulary.txt").read_text().splitlines()
    ids = {token: place for place, token in enumerate(vocabulary, 2)}
    found = {split: examples(prepared, split) for split in ("train", "validation", "test")}
    assert sum(len(part) for part in found.values()) == len(rows)
    expected = {row["id"]: ([ids.get(t, 1) for t in plain_tokens(row["text"])], row["score"]) for row in rows}
    assert {key: value for part in found.values() for key, value in part.items()} == expected


def test_the_folder_is_read_as_tf_transform_s_guides_do(prepared):
    output = tft.TFTransformOutput(str(prepared / "transform"))
    files = [str(path) for path in (prepared / "validation").glob("*")]
    records = list(tf.data.TFRecordDataset(files, compression_type="GZIP"))
    parsed = tf.io.parse_example(records, output.transformed_feature_spec())
    names, scores = [name.decode() for name in parsed["id"].numpy()], parsed["score"].numpy().tolist()
    found = dict(zip(names, zip(parsed["ids"].to_list(), scores, strict=True), strict=True))
    assert found == examples(prepared, "validation")
    vocabulary = output.vocabulary_by_name("vocabulary")
    assert max(map(max, parsed["ids"].to_list())) < len(vocabulary) + 2
    assert output.vocabulary_size_by_name("vocabulary") == len(vocabulary)
    assert len(np.load(prepared / "vectors.npy")) == len(vocabulary) + 2


def contents(folder: pathlib.Path) -> dict[str, object]:
    """The bytes of each file, and JSON without what tells times and places."""
    found: dict[str, object] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found[str(path.relative_to(folder))] = path.read_bytes()
        if path.name in ("manifest.json", "statistics.json"):
            value = json.loads(path.read_bytes())
            settings = {name: given for name, given in value.pop("settings").items() if name != "output"}
            timeless = {name: given for name, given in value.items() if not name.startswith("seconds")}
            found[path.name] = {"settings": settings, **timeless}
    return found


def test_equal_runs_write_equal_bytes(archive, glove, tmp_path):
    """In another process, with other temporary folders, whatever the order of Python's sets."""
    (tmp_path / "more.csv").write_text(archive.read_text() + "x,,1,good\ny,,poor,bad\n")
    columns = ["--text_column=text", "--score_column=score", "--id_column=id", f"--embeddings={glove}"]
    for seed in "12":
        (tmp_path / f"tmp{seed}").mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TMPDIR": str(tmp_path / f"tmp{seed}")}
        inputs = [f"--input={archive}", f"--input={tmp_path}/more.csv"]
        done = run_command(
            "beam_pipelines.preprocess", *inputs, *columns, f"--output={tmp_path}/out{seed}", env=environment
        )
        assert done.returncode == 0, done.stderr
    first = contents(tmp_path / "out1")
    assert {name.partition("/")[0] for name in first} >= {"train", "validation", "test", "transform", "rejected"}
    assert contents(tmp_path / "out2") == first


def test_the_vocabulary_comes_from_the_training_split_alone(rows, prepared, glove):
    training = examples(prepared, "train")
    counts = collections.Counter(
        token for row in rows if row["id"] in training for token in plain_tokens(row["text"])[:200]
    )
    with_vector = {line.split()[0] for line in glove.read_text().splitlines()}
    by_count = sorted(counts, key=lambda token: (-counts[token], token))
    vocabulary = (prepared / "transform/transform_fn/assets/vocabulary.txt").read_text().splitlines()
    hits = [token for token in by_count if token in with_vector]
    assert vocabulary == hits + [token for token in by_count if token not in with_vector]
    vectors = np.load(prepared / "vectors.npy")
    assert vectors.shape == (len(vocabulary) + 2, DIM)
    words = {line.split()[0]: line.split()[1:] for line in glove.read_text().splitlines()}
    assert vectors[2 : 2 + len(hits)] == pytest.approx(np.array([words[t] for t in hits], np.float32))
    assert not vectors[:2].any()
    assert not vectors[2 + len(hits) :].any()

    statistics = json.loads((prepared / "statistics.json").read_text())["vocabulary"]
    assert statistics["tokens"] == counts.total()
    assert statistics["embedding_hits"] == len(hits)
    share = sum(counts[token] for token in hits) / counts.total()
    assert statistics["share_of_tokens_with_vector"] == pytest.approx(share)
    assert "unheardof" in statistics["most_frequent_without_vector"]


def test_statistics_are_those_of_the_rows(rows, prepared):
    statistics = json.loads((prepared / "statistics.json").read_text())
    assert statistics["rows"]["read"] == statistics["rows"]["kept"] == len(rows)
    scores = pd.Series([row["score"] for row in rows])
    binned = pd.cut(scores, np.arange(0, 101, 10), include_lowest=True).value_counts(sort=False).tolist()
    histogram = np.sum(list(statistics["scores"]["histogram"].values()), axis=0)
    assert histogram.tolist() == binned
    lengths = pd.Series([len(plain_tokens(row["text"])) for row in rows])
    assert statistics["tokens_per_review"] == pytest.approx(lengths.describe().to_dict())
    assert statistics["token_lengths"]["histogram"] == distributions.count_lengths(lengths.to_numpy()).tolist()
    shares = statistics["known_shares"]
    assert {name: sum(bins) for name, bins in shares["histogram"].items()} == statistics["rows"]["kept_by_split"]
    assert shares["known_tokens"]["train"] / shares["tokens"]["train"] == pytest.approx(
        statistics["vocabulary"]["share_of_tokens_with_vector"]
    )
    assert not (prepared / ".tmp").exists()


def test_every_bad_row_leaves_a_trace_and_counts_add_up(tmp_path):
    lines = [
        "id,text,score",
        "a,a good film,80",
        "b,,70",
        "c,   ,70",
        "d,another good film,",
        "e,too good a film,101",
        "f,not a number,good",
        "g,one,two,3",
        "h,short",
        'i,"open quote,50',
        "j,a bad film,20",
    ]
    archive = tmp_path / "rows.csv"
    archive.write_bytes("\n".join(lines).encode() + b"\nk,not \xff utf-8,20\n")
    all_train = ["--test_share=0", "--validation_share=0"]
    statistics = run_preprocess(
        tmp_path, archive, "--score_column=score", "--id_column=id", "--max_rejected_share=1", *all_train
    )
    rows = statistics["rows"]
    assert (rows["read"], rows["kept"], rows["rejected"], rows["skipped"]) == (11, 2, 8, 1)
    assert rows["skipped_by_reason"] == {"no_score": 1}
    traces = {(reject["place"], reject["reason"]) for reject in rejected(tmp_path / "out")}
    assert traces == {
        (3, "empty_text"),
        (4, "empty_text"),
        (6, "score_out_of_range"),
        (7, "score_not_a_number"),
        (8, "too_many_fields"),
        (9, "too_few_fields"),
        (10, "open_quote"),
        (12, "invalid_utf8"),
    }
    assert all(reject["file"] == str(archive) and reject["raw"] for reject in rejected(tmp_path / "out"))


def test_the_result_does_not_depend_on_format_compression_or_files(tmp_path, rows):
    half = len(rows) // 2
    table = pd.DataFrame(rows)
    sources = {name: tmp_path / name for name in ("csv", "mixed")}
    for folder in sources.values():
        folder.mkdir()
    write_csv(sources["csv"] / "a.csv", rows)
    table[:half].to_json(sources["mixed"] / "a.jsonl.gz", orient="records", lines=True)
    table[half:-50].to_parquet(sources["mixed"] / "b.parquet", row_group_size=30)
    table[-50:].to_csv(sources["mixed"] / "c.tsv.bz2", sep="\t", index=False)
    found = {}
    for name, folder in sources.items():
        (tmp_path / f"{name}-out").mkdir()
        run_preprocess(tmp_path / f"{name}-out", f"{folder}/*", "--score_column=score", "--id_column=id")
        found[name] = {
            split: examples(tmp_path / f"{name}-out/out", split) for split in ("train", "validation", "test")
        }
    assert found["csv"] == found["mixed"]


def test_the_score_and_the_split_may_stand_in_the_folders(tmp_path):
    """As Hive and Spark write a table that is divided by its columns."""
    for place in range(40):
        folder = tmp_path / f"in/stars={place % 5 + 1}/album={place // 2}"
        folder.mkdir(parents=True)
        pd.DataFrame({"text": [f"review {place}", f"more {place}"]}).to_parquet(folder / "part-0.parquet")
    flags = ["--score_column=stars", "--score_min=1", "--score_max=5", "--id_column=album", "--split_column=album"]
    rows = run_preprocess(tmp_path, tmp_path / "in", *flags)["rows"]
    assert (rows["read"], rows["kept"], rows["rejected"]) == (80, 80, 0)
    found = {split: examples(tmp_path / "out", split) for split in ("train", "validation", "test")}
    albums = [album for in_split in found.values() for album in in_split]
    assert sorted(albums, key=int) == [str(album) for album in range(20)]
    assert found["train"]
    assert all(score in (int(a) * 2 % 5 + 1, (int(a) * 2 + 1) % 5 + 1) for a, (_, score) in found["train"].items())


@pytest.mark.parametrize(
    ("flags", "vocabulary", "tokens"),
    [([], ["!", "\U0001f600", "good", "didn", "t"], 5.0), (["--punctuation_tokens=off"], ["good", "didn", "t"], 3.0)],
)
def test_punctuation_and_emoji_are_tokens_unless_that_is_off(tmp_path, flags, vocabulary, tokens):
    rows = [{"text": "Didn\u2019t\u3000! Good\U0001f600", "score": score} for score in range(40)]
    archive = write_csv(tmp_path / "a.csv", rows)
    all_in_training = ["--test_share=0", "--validation_share=0"]
    statistics = run_preprocess(tmp_path, archive, "--score_column=score", *all_in_training, *flags)
    lines = (tmp_path / "out/transform/transform_fn/assets/vocabulary.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(lines) == sorted(vocabulary)
    assert statistics["tokens_per_review"]["mean"] == tokens
    assert statistics["tokenizer"] == {"typography": "plain_1", "punctuation_tokens": not flags}


def test_equal_texts_land_in_one_split(tmp_path):
    texts = [f"film {number}" for number in range(60)]
    variants = texts + [text.upper() + "!" for text in texts]
    archive = write_csv(tmp_path / "a.csv", [{"id": i, "text": text, "score": 50} for i, text in enumerate(variants)])
    run_preprocess(
        tmp_path, archive, "--score_column=score", "--id_column=id", "--test_share=0.4", "--validation_share=0.2"
    )
    split_of = {key: split for split in ("train", "validation", "test") for key in examples(tmp_path / "out", split)}
    assert len(set(split_of.values())) == 3
    assert all(split_of[str(n)] == split_of[str(n + 60)] for n in range(60))


def test_a_split_column_keeps_an_album_together_and_drops_texts_that_recur(tmp_path):
    """A training text that also stands in the test would make the test too easy."""
    rows = [
        {"title": f"Album {album} - {50 + album % 50}%", "text": f"song {album} {part}"}
        for album in range(40)
        for part in range(3)
    ] + [{"title": f"Album {album} - 10%", "text": "the same words"} for album in range(40)]
    archive = write_csv(tmp_path / "a.csv", [{"id": place, **row} for place, row in enumerate(rows)])
    pattern = r"(?P<album>.*) - (\d+)%"
    flags = ["--title_column=title", "--id_column=id", "--split_column=album", f"--score_pattern={pattern}"]
    statistics = run_preprocess(tmp_path, archive, *flags)
    found = {split: examples(tmp_path / "out", split) for split in ("train", "validation", "test")}
    albums = {split: {rows[int(key)]["title"].split(" - ")[0] for key in part} for split, part in found.items()}
    assert not albums["train"] & albums["test"]
    assert not albums["train"] & albums["validation"]
    held_out = sum(
        rows[int(key)]["text"] == "the same words" for split in ("validation", "test") for key in found[split]
    )
    assert held_out > 0
    assert not any(rows[int(key)]["text"] == "the same words" for key in found["train"])
    dropped = statistics["rows"]["skipped_by_reason"]["training_text_recurs_in_validation_or_test"]
    assert dropped == 40 - held_out
    assert statistics["rows"]["kept"] + dropped == len(rows)


def test_two_runs_write_the_same_examples_in_the_same_order(tmp_path, archive, prepared):
    flags = ["--score_column=score", "--id_column=id", "--max_tokens=200", f"--embeddings={_glove(prepared)}"]
    run_preprocess(tmp_path, archive, *flags)
    for split in ("train", "validation", "test"):
        assert list(examples(tmp_path / "out", split).items()) == list(examples(prepared, split).items())
    for name in ("vectors.npy", "transform/transform_fn/assets/vocabulary.txt"):
        assert (tmp_path / "out" / name).read_bytes() == (prepared / name).read_bytes()


def _glove(prepared: pathlib.Path) -> str:
    return json.loads((prepared / "manifest.json").read_text())["settings"]["embeddings"]


def test_long_reviews_are_cut(tmp_path):
    archive = write_csv(tmp_path / "a.csv", [{"id": n, "text": f"a b c d e f {n}", "score": 5} for n in range(20)])
    statistics = run_preprocess(tmp_path, archive, "--score_column=score", "--max_tokens=4", "--score_max=10")
    assert statistics["tokens_per_review"]["max"] == 7
    found = examples(tmp_path / "out", "train")
    assert {len(ids) for ids, _ in found.values()} == {4}
    assert statistics["vocabulary"]["distinct_tokens"] == 4


def test_a_parquet_row_group_of_equal_texts_flows_in_blocks(tmp_path, monkeypatch):
    """They take no space in the file but much in memory."""
    from beam_pipelines.archive import extents

    monkeypatch.setattr(extents, "MIN_BLOCK_BYTES", 100_000)
    table = pd.DataFrame({"text": ["a good film " * 20] * 5000, "score": [50] * 5000})
    table["text"] += (table.index % 7).astype(str)
    table.to_parquet(tmp_path / "a.parquet")
    run_preprocess(tmp_path, tmp_path / "a.parquet", "--score_column=score", "--test_share=0", "--validation_share=0")
    assert len(list((tmp_path / "out" / "train").iterdir())) >= 5
    assert len(examples(tmp_path / "out", "train")) == 5000


def test_stars_on_a_scale_to_100_are_doubted(tmp_path, caplog):
    pd.DataFrame({"text": ["good", "bad", "fair"] * 9, "score": [5, 1, 3] * 9}).to_csv(tmp_path / "a.csv", index=False)
    run_preprocess(tmp_path, tmp_path / "a.csv", "--score_column=score")
    told = "all scores fall between 0 and 10, on a scale from 0 to 100: are --score_min and --score_max right?"
    assert told in caplog.text
    caplog.clear()
    run_preprocess(tmp_path, tmp_path / "a.csv", "--score_column=score", "--score_max=5", "--overwrite")
    assert "are --score_min" not in caplog.text
