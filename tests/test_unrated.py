"""preprocess --unrated against the answer of plain functions."""

import json
import pathlib
import re
import shutil

import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf

from beam_pipelines import preprocess
from beam_pipelines.archive import extents
from beam_pipelines.errors import UserError
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.folders import contents
from tests.helpers.tokens import RULE, plain_tokens
from tests.helpers.unrated import NEW, RATED, ROWS, TEACHERS, prepare, write_archives, write_csv


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    return write_archives(tmp_path_factory.mktemp("archives"))


def examples(output: pathlib.Path) -> dict[str, tuple[list[int], list[float], list[float]]]:
    """By id, in the order in which they lie: ids, and the teacher's scores and weights."""
    features = {
        "ids": tf.io.RaggedFeature(tf.int64),
        "id": tf.io.FixedLenFeature([], tf.string),
        "teacher_scores": tf.io.RaggedFeature(tf.float32),
        "teacher_weights": tf.io.RaggedFeature(tf.float32),
    }
    paths = [str(path) for path in sorted((output / "unrated").glob("*"))]
    parsed = [
        tf.io.parse_single_example(record, features)
        for record in tf.data.TFRecordDataset(paths, compression_type="GZIP")
    ]
    lists = ("ids", "teacher_scores", "teacher_weights")
    return {row["id"].numpy().decode(): tuple(row[name].numpy().tolist() for name in lists) for row in parsed}


def statistics(output: pathlib.Path) -> dict:
    return json.loads((output / "statistics.json").read_text())


def hash_of(text: str) -> int:
    tokenizer = CompiledTokenizer(RULE)
    return int(tokenizer.fingerprints(tokenizer(pa.array([text])))[0])


def words_of(text: str) -> tuple[str, ...]:
    """What makes texts equal: their tokens, whatever their exclamation marks."""
    return tuple(token for token in plain_tokens(text) if token not in "!?")


def expected(most: int) -> list[str]:
    """The ids of the texts that are taken, by the tokens of a text as plain Python makes them."""
    rated = {words_of(text) for text in RATED}
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    for name, text, _ in ROWS:
        tokens = words_of(text)
        if tokens and tokens not in rated:
            first.setdefault(tokens, (name, text))
    lowest = sorted(first.values(), key=lambda row: hash_of(row[1]))[:most]
    return sorted((name for name, _ in lowest), key=lambda name: int(name[1:]))


@pytest.fixture(scope="module")
def prepared_unrated(folder, tmp_path_factory) -> pathlib.Path:
    """Forty texts, with a teacher."""
    output = tmp_path_factory.mktemp("unrated") / "out"
    assert prepare(folder, output, "--unrated_rows=40", "--teacher_column=judge") == 0
    return output


def test_the_lowest_hashes_of_texts_that_are_not_rated_are_taken_once(prepared_unrated):
    found = examples(prepared_unrated)
    assert list(found) == expected(40)
    vocabulary = (prepared_unrated / "transform/transform_fn/assets/vocabulary.txt").read_text().splitlines()
    ids = {token: place for place, token in enumerate(vocabulary, 2)}
    texts = {name: text for name, text, _ in ROWS}
    for name, (found_ids, _, _) in found.items():
        assert found_ids == [ids.get(token, 1) for token in plain_tokens(texts[name])]


def test_the_teacher_s_scores_are_written(prepared_unrated):
    teachers = {name: TEACHERS.index(teacher) for name, _, teacher in ROWS}
    by_teacher = [([], []), ([80], [1]), ([20, 80], [0.25, 0.75])]
    found = examples(prepared_unrated)
    assert {teachers[name] for name in found} == {0, 1, 2}
    for name, (_, *said) in found.items():
        assert tuple(said) == by_teacher[teachers[name]]
    with_teacher = sum(teachers[name] > 0 for name in found)
    assert statistics(prepared_unrated)["unrated"]["with_teacher"] == with_teacher


def test_every_row_is_accounted_for(prepared_unrated):
    totals, end = statistics(prepared_unrated)["unrated"], max(map(hash_of, texts_by_id(expected(40))))
    texts = [text for _, text, _ in ROWS if plain_tokens(text)]
    below = [text for text in texts if hash_of(text) <= end]
    rated = {words_of(text) for text in RATED}
    count_rated = sum(words_of(text) in rated for text in below)
    assert totals["left_out_by_reason"] == {
        "beyond_unrated_rows": len(texts) - len(below),
        "empty_text": 2,
        "equal_text": len(below) - count_rated - 40,
        "no_token": 1,
        "rated": count_rated,
    }
    assert count_rated > 5
    assert len(below) - count_rated > 40
    assert (totals["read"], totals["used"], totals["rejected"]) == (len(ROWS), 40, 0)
    assert totals["left_out"] == len(ROWS) - 40


def texts_by_id(names: list[str]) -> list[str]:
    texts = {name: text for name, text, _ in ROWS}
    return [texts[name] for name in names]


def test_all_are_taken_where_there_are_fewer(folder, tmp_path, capsys):
    assert prepare(folder, tmp_path / "out") == 0
    assert list(examples(tmp_path / "out")) == expected(10_000)
    assert len(expected(10_000)) == 150
    told = (
        "--unrated: 243 rows read: 150 used, 0 rejected, 93 left out "
        "(empty_text 2, equal_text 30, no_token 1, rated 60)"
    )
    assert sorted(re.findall(r"\w+ \d+", told)) == sorted(re.findall(r"\w+ \d+", last_line(capsys)))
    # No teacher is asked for, so none is written.
    assert {said for _, *said in map(tuple_of_tuples, examples(tmp_path / "out").values()) for said in said} == {()}


def tuple_of_tuples(lists: tuple) -> tuple:
    return tuple(map(tuple, lists))


def last_line(capsys) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def test_other_extents_and_files_give_the_same_texts(folder, prepared_unrated, tmp_path, monkeypatch):
    """Also as Parquet, whose teacher has a column for each score, and in one compressed file."""
    table = pd.DataFrame(ROWS, columns=["id", "text", "judge"])
    table.to_csv(tmp_path / "all.csv.gz", index=False)
    monkeypatch.setattr(extents, "MIN_BLOCK_BYTES", 2_000)
    flags = ["--unrated_rows=40", "--teacher_column=judge"]
    assert prepare(folder, tmp_path / "out", *flags, unrated=tmp_path / "all.csv.gz") == 0
    assert len(list((tmp_path / "out/unrated").iterdir())) > 5
    assert examples(tmp_path / "out") == examples(prepared_unrated)
    structs = [
        None if not judge else {"20": 1.0, "80": 3.0} if judge[0] == "{" else {"20": 0.0, "80": float(judge)}
        for judge in table["judge"]
    ]
    table.assign(judge=structs).to_parquet(tmp_path / "all.parquet", row_group_size=30)
    assert prepare(folder, tmp_path / "parquet", *flags, unrated=tmp_path / "all.parquet") == 0
    assert examples(tmp_path / "parquet") == examples(prepared_unrated)
    digests = {
        statistics(output)["unrated"]["digest"] for output in (tmp_path / "out", tmp_path / "parquet", prepared_unrated)
    }
    assert len(digests) == 1


def test_the_digest_tells_another_teacher(folder, prepared_unrated, tmp_path):
    changed = [(name, text, "70" if teacher == "80" else teacher) for name, text, teacher in ROWS]
    write_csv(tmp_path / "changed.csv", ["id", "text", "judge"], changed)
    flags = ["--unrated_rows=40", "--teacher_column=judge"]
    assert prepare(folder, tmp_path / "out", *flags, unrated=tmp_path / "changed.csv") == 0
    found, before = (statistics(output)["unrated"] for output in (tmp_path / "out", prepared_unrated))
    assert found["digest"] != before["digest"]
    assert {**found, "digest": ""} == {**before, "digest": ""}


def test_the_rated_archive_itself_may_be_named(folder, tmp_path):
    """Its rows with a score are left out, also those that are not sampled; a column of names may be missing."""
    rows = [(text, score) for score, text in enumerate(RATED)] + [(text, "") for text in NEW]
    write_csv(tmp_path / "all.csv", ["text", "score"], rows)
    flags = [
        f"--input={tmp_path}/all.csv",
        f"--unrated={tmp_path}/all.csv",
        "--text_column=text",
        "--score_column=score",
    ]
    assert preprocess.main([*flags, f"--output={tmp_path}/out", "--sample_share=0.5"]) == 0
    assert list(examples(tmp_path / "out")) == [f"all.csv:{line}" for line in range(92, 242)]
    assert statistics(tmp_path / "out")["unrated"]["left_out_by_reason"] == {"rated": 90}


def test_rated_rows_are_prepared_as_without(folder, prepared_unrated, tmp_path):
    """But for the words that the vectors hold and no training review."""
    arguments = [f"--input={folder}/rated.csv", "--text_column=text", "--score_column=score", "--id_column=id"]
    assert preprocess.main([*arguments, f"--output={tmp_path}/out"]) == 0
    without, found = contents(tmp_path / "out"), contents(prepared_unrated)
    compared = [name for name in without if name.startswith(("train/", "validation/", "test/"))]
    assert len(compared) == 3
    for name in [*compared, "vectors.npy", "transform/transform_fn/assets/vocabulary.txt"]:
        assert without[name] == found[name]
    assert "unrated" not in statistics(tmp_path / "out")
    for name in ("rows", "scores", "tokens_per_review", "token_lengths", "known_shares", "vocabulary"):
        assert statistics(tmp_path / "out")[name] == statistics(prepared_unrated)[name]
    assert not [name for name in without if "unrated" in name]


def test_words_of_the_unrated_texts_come_before_those_of_no_text(folder, tmp_path):
    # word2x7 stands there twice, word2x100 once.
    lines = [f"{word} {number} 1\n" for number, word in enumerate(["the", "of", "good", "word2x100", "word2x7"])]
    (tmp_path / "some.vec").write_text("".join(lines))
    assert prepare(folder, tmp_path / "out", f"--embeddings={tmp_path}/some.vec", "--unseen_tokens=1") == 0
    vocabulary = (tmp_path / "out/transform/transform_fn/assets/vocabulary.txt").read_text().splitlines()
    assert vocabulary[:2] == ["good", "word2x7"]
    assert statistics(tmp_path / "out")["vocabulary"]["first_trained_id"] == 4
    assert statistics(tmp_path / "out")["vocabulary"]["unseen_tokens"] == 1


def test_rows_that_cannot_be_used_are_rejected_apart(folder, tmp_path):
    rows = [*ROWS[:60], ("bad", "a text of its own", "good"), ("off", "another", "101")]
    write_csv(tmp_path / "others.csv", ["id", "text", "judge"], rows)
    with (tmp_path / "others.csv").open("a") as file:
        file.write("one,two,3,4\n")
    flags = ["--teacher_column=judge", "--max_rejected_share=0.05"]
    assert prepare(folder, tmp_path / "out", *flags, unrated=tmp_path / "others.csv") == 0
    totals = statistics(tmp_path / "out")
    by_reason = {"teacher_not_read": 1, "teacher_out_of_range": 1, "too_many_fields": 1}
    assert (totals["unrated"]["read"], totals["unrated"]["rejected_by_reason"]) == (63, by_reason)
    assert totals["rows"]["rejected"] == 0
    [path] = (tmp_path / "out/rejected").iterdir()
    assert path.name == "unrated-000000-00000000-000000000000000.jsonl"
    rejects = [json.loads(line) for line in path.open()]
    assert [(reject["file"], reject["place"], reject["reason"]) for reject in rejects] == [
        (str(tmp_path / "others.csv"), 62, "teacher_not_read"),
        (str(tmp_path / "others.csv"), 63, "teacher_out_of_range"),
        (str(tmp_path / "others.csv"), 64, "too_many_fields"),
    ]
    told = r"^4.8% of the rows of --unrated were rejected, most often for teacher_not_read \(1\)"
    with pytest.raises(UserError, match=told) as ended:
        prepare(folder, tmp_path / "few", "--teacher_column=judge", unrated=tmp_path / "others.csv")
    assert ended.value.status == 3


def test_three_phases_write_what_the_whole_job_does(folder, prepared_unrated, tmp_path):
    flags = ["--unrated_rows=40", "--teacher_column=judge"]
    for phase in ("count", "choose", "examples"):
        assert prepare(folder, tmp_path / "out", f"--phase={phase}", *flags) == 0
    found, whole = contents(tmp_path / "out"), contents(prepared_unrated)
    assert found.keys() == whole.keys()
    for name in whole:
        if not name.endswith(("saved_model.pb", ".json")):
            assert found[name] == whole[name], name
    assert statistics(tmp_path / "out")["unrated"] == statistics(prepared_unrated)["unrated"]


@pytest.fixture(scope="module")
def counted_once(folder, tmp_path_factory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("counted") / "out"
    assert prepare(folder, output, "--phase=count") == 0
    return output


@pytest.mark.parametrize("phase", ["choose", "examples"])
def test_a_phase_goes_on_with_the_same_flags_alone(folder, counted_once, tmp_path, phase):
    shutil.copytree(counted_once, tmp_path / "out")
    told = f"--phase {phase}: the job in .*out was another one: settings unrated_rows was 25000 and is 40"
    with pytest.raises(UserError, match=told):
        prepare(folder, tmp_path / "out", f"--phase={phase}", "--unrated_rows=40")
    arguments = [f"--input={folder}/rated.csv", "--text_column=text", "--score_column=score", "--id_column=id"]
    with pytest.raises(UserError, match="settings unrated was True and is False"):
        preprocess.main([*arguments, f"--output={tmp_path}/out", f"--phase={phase}"])


def test_a_damaged_file_is_told_when_all_else_is_written(folder, tmp_path):
    path = tmp_path / "others.csv.gz"
    pd.DataFrame(ROWS * 40, columns=["id", "text", "judge"]).to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(UserError, match=f"^{path} is .*; all else is written"):
        prepare(folder, tmp_path / "out", unrated=path)
    assert statistics(tmp_path / "out")["unrated"]["damaged"].keys() == {str(path)}
    assert list(examples(tmp_path / "out")) == expected(10_000)


def test_a_rehearsal_tells_of_both_archives(folder, tmp_path, capsys):
    assert prepare(folder, tmp_path / "out", "--unrated_rows=40", "--dry_run") == 0
    *_, first, second, last = capsys.readouterr().out.splitlines()
    assert first == "--unrated: 2 files, 0.0 MB: about 243 rows, of which up to 40 texts are taken"
    assert second == "a sample of 243 rows: 241 with a text, 0.0% would be rejected"
    assert last == "nothing was written"
    assert not (tmp_path / "out").exists()
