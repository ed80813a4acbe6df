"""The commands with everything on s3:// or gs://, on servers on loopback, against the same on local folders."""

import gzip
import json
import pathlib
import sys
import time
import zipfile

import pandas as pd
import pytest
from apache_beam.io.aws.clients.s3.messages import S3ClientError
from apache_beam.io.filesystem import BeamIOError
from google.api_core import exceptions

from beam_pipelines import preprocess, score
from beam_pipelines.archive import extents
from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from beam_pipelines.files import object_stores, storage
from serving import check
from tests.helpers.commands import run_command, start, weights
from tests.helpers.examples import examples
from tests.helpers.reviews import write_csv
from trainer import task

BAD_ROWS = "bad-1,t,50,\nbad-2,t,50,one,two\n"


def upload(bucket: str, name: str, data: bytes) -> str:
    storage.write_bytes(bucket, name, data)
    return storage.join(bucket, name)


@pytest.mark.slow
def test_the_three_commands_do_the_same_as_on_local_folders(bucket, archive, glove, prepared, cnn, tmp_path):
    with zipfile.ZipFile(tmp_path / "glove.zip", "w") as file:
        file.write(glove, "vectors.txt")
        file.writestr("other.txt", "a 1 2\n")
    vectors = upload(bucket, "in/glove.zip", (tmp_path / "glove.zip").read_bytes())
    upload(bucket, "in/reviews.csv", archive.read_bytes() + BAD_ROWS.encode())
    data, trained, scored = (storage.join(bucket, name) for name in ("prepared", "trained", "scored"))

    flags = ["--text_column=text", "--score_column=score", "--id_column=id", "--max_tokens=200"]
    tolerant = "--max_rejected_share=1"
    given = [f"--input={bucket}/in/*.csv", f"--embeddings={vectors}:vectors.txt", f"--output={data}"]
    assert preprocess.main([*given, *flags, tolerant]) == 0
    assert same_prepared(data, prepared)
    with pytest.raises(UserError, match="is not empty; choose another folder or add --overwrite"):
        preprocess.main([*given, *flags, tolerant])

    assert task.main([f"--data={data}", f"--output={trained}", "--epochs=1", "--folds=0"]) == 0
    with storage.local_copy(trained) as folder:
        assert weights(pathlib.Path(folder)) == weights(cnn)
    names = storage.listing(trained)
    assert {"report.html", "model.txt", "metrics.json", "plots/errors.png"} <= set(names)
    assert not [name for name in names if ".tmp" in name]
    assert [name for name in names if name.startswith("logs/events.")]
    assert check.main([trained]) == 0
    with pytest.raises(UserError, match="holds a finished run; choose another folder or add --overwrite"):
        task.main([f"--data={data}", f"--output={trained}", "--epochs=1", "--folds=0"])

    job = ["--text_column=text", "--id_column=id", tolerant]
    assert score.main([f"--input={bucket}/in/*.csv", f"--model={trained}", f"--output={scored}", *job]) == 0
    (tmp_path / "reviews.csv").write_bytes(archive.read_bytes() + BAD_ROWS.encode())
    assert score.main([f"--input={tmp_path}/*.csv", f"--model={cnn}", f"--output={tmp_path}/scored", *job]) == 0
    assert same_scored(scored, tmp_path / "scored")
    again = [f"--input={bucket}/in/*.csv", f"--model={trained}", f"--output={scored}", *job, "--overwrite"]
    assert score.main(again) == 0
    assert same_scored(scored, tmp_path / "scored")


@pytest.mark.slow
def test_a_job_goes_on_where_its_shards_stand_on_the_store(bucket, rows, cnn, tmp_path, monkeypatch):
    monkeypatch.setattr(extents, "MIN_BLOCK_BYTES", 20_000)
    archive = write_csv(tmp_path / "reviews.csv", [row for row in rows for _ in range(3)])
    upload(bucket, "in/reviews.csv", archive.read_bytes() + BAD_ROWS.encode())
    output = storage.join(bucket, "scored")
    job = [f"--input={bucket}/in/*", f"--model={cnn}", f"--output={output}", "--text_column=text", "--resume"]
    assert score.main([*job, "--max_rejected_share=1"]) == 0
    names = [name for name in storage.listing(output) if name.startswith(("scores/", "statistics/", "rejected/"))]
    before = {name: storage.read_bytes(storage.join(output, name)) for name in names}
    written = storage.match(f"{output}/scores/*").files
    shards = sorted(written)
    assert len(shards) > 8
    storage.delete(output, [path.removeprefix(f"{output}/") for path in (shards[0], shards[5], shards[-1])])
    assert score.main([*job, "--max_rejected_share=1"]) == 0
    assert {name: storage.read_bytes(storage.join(output, name)) for name in names} == before
    again = storage.match(f"{output}/scores/*").files
    assert {path: again[path] for path in shards[1:5]} == {path: written[path] for path in shards[1:5]}
    upload(bucket, "in/reviews.csv", archive.read_bytes())
    with pytest.raises(UserError, match=r"reviews\.csv had [0-9,]+ bytes and has [0-9,]+"):
        score.main(job)


def same_prepared(data: str, prepared: pathlib.Path) -> bool:
    with storage.local_copy(data) as folder:
        found = pathlib.Path(folder)
        for split in ("train", "validation", "test"):
            assert examples(found, split) == examples(prepared, split)
        for name in ("vectors.npy", "transform/transform_fn/assets/vocabulary.txt"):
            assert (found / name).read_bytes() == (prepared / name).read_bytes()
        one, other = (json.loads((root / "statistics.json").read_text()) for root in (found, prepared))
        for name in ("scores", "tokens_per_review", "vocabulary"):
            assert one[name] == other[name]
        assert one["rows"]["rejected_by_reason"] == {"empty_text": 1, "too_many_fields": 1}
        assert len(list((found / "rejected").iterdir())) == 1
        assert not (found / ".tmp").exists()
    return True


def same_scored(scored: str, local: pathlib.Path) -> bool:
    with storage.local_copy(scored) as folder:
        found, expected = (pd.read_parquet(pathlib.Path(root, "scores")) for root in (folder, local))
        pd.testing.assert_frame_equal(found.drop(columns="model_version"), expected.drop(columns="model_version"))
        rejects = [
            [json.loads(line) for path in pathlib.Path(root, "rejected").iterdir() for line in path.open()]
            for root in (folder, local)
        ]
        assert len(rejects[0]) == 2
        assert [{**one, "file": ""} for one in rejects[0]] == [{**one, "file": ""} for one in rejects[1]]
        one, other = (json.loads(pathlib.Path(root, "summary.json").read_text()) for root in (folder, local))
        assert one["rows_scored"] == other["rows_scored"] == 400
    return True


@pytest.mark.slow
def test_beam_s_flags_lead_to_the_store(new_bucket, monkeypatch, s3_server, archive, tmp_path):
    """They hold from the first file that is opened to the last, in the launching process too."""
    bucket = new_bucket("s3")
    upload(bucket, "reviews.csv", archive.read_bytes())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(object_stores, "_probed", {})
    flags = [f"--s3_endpoint_url={s3_server}", "--s3_access_key_id=id", "--s3_secret_access_key=secret"]
    columns = ["--text_column=text", "--score_column=score"]
    job = [f"--input={bucket}/reviews.csv", f"--output={bucket}/prepared", *columns]
    ended = run_command("beam_pipelines.preprocess", *job, *flags)
    assert (ended.returncode, ended.stderr.count("Traceback")) == (0, 0)
    assert "400 kept" in ended.stdout
    assert "no AWS credentials found" in run_command("beam_pipelines.preprocess", *job).stderr


@pytest.mark.parametrize(
    ("scheme", "told"),
    [
        (
            "s3",
            "s3://somewhere/{name}: no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run "
            "`aws configure`",
        ),
        (
            "gs",
            "gs://somewhere/{name}: no Google Cloud credentials found; run `gcloud auth application-default login`, or "
            "name a key file in GOOGLE_APPLICATION_CREDENTIALS (Your default credentials were not found)",
        ),
    ],
)
def test_missing_credentials_are_told_at_once(no_credentials, archive, tmp_path, scheme, told):
    columns = ["--text_column=text", "--score_column=score"]
    root = f"{scheme}://somewhere"
    ended = run_command("beam_pipelines.preprocess", f"--input={root}/a.csv", f"--output={tmp_path}/o", *columns)
    assert (ended.returncode, ended.stderr) == (2, f"error: {told.format(name='a.csv')}\n")
    ended = run_command("trainer.task", f"--data={root}/a", f"--output={tmp_path}/o")
    assert (ended.returncode, ended.stderr) == (2, f"error: {told.format(name='a/**')}\n")
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(UserError, match="credentials found"):
            preprocess.main([f"--input={archive}", f"--output={root}/o", *columns])
    assert time.monotonic() - started < 5


def test_a_bucket_that_does_not_exist(bucket, archive, tmp_path):
    none = f"{bucket}-none"
    sentence = f"(?m)^{none}/.*: there is no bucket '{none.partition('://')[2]}'$"
    columns = ["--text_column=text", "--score_column=score"]
    with pytest.raises(UserError, match=sentence):
        preprocess.main([f"--input={none}/*.csv", f"--output={tmp_path}/o", *columns])
    with pytest.raises(UserError, match=sentence):
        preprocess.main([f"--input={archive}", f"--output={none}/o", *columns])
    with pytest.raises(UserError, match=sentence):
        preprocess.main([f"--input={archive}", f"--output={tmp_path}/o", *columns, f"--embeddings={none}/glove.txt"])
    for flags in ([f"--data={none}/p", f"--output={tmp_path}/o"], [f"--data={tmp_path}", f"--output={none}/o"]):
        with pytest.raises(UserError, match=sentence):
            task.main(flags)
    with pytest.raises(UserError, match=sentence):
        exports.find(f"{none}/trained")
    assert not (tmp_path / "o").exists()


def test_what_is_not_there_is_told_by_its_name(bucket, tmp_path):
    with pytest.raises(UserError, match=f"(?m)^--input {bucket}/a.csv matches no file$"):
        preprocess.main([f"--input={bucket}/a.csv", "--output=o", "--text_column=t", "--score_column=s"])
    with pytest.raises(UserError, match=f"^--data {bucket}/p has no statistics.json: run beam_pipelines.preprocess"):
        task.main([f"--data={bucket}/p", f"--output={tmp_path}/o"])
    with pytest.raises(UserError, match=f"^--model {bucket}/m holds no exported model"):
        exports.find(f"{bucket}/m")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("http://host/a.csv", "http://host/a.csv: a path is a local one, gs://BUCKET/... or s3://BUCKET/..."),
        ("s3:///a.csv", "s3:///a.csv names no bucket"),
        ("gs://", "gs:// names no bucket"),
    ],
)
def test_a_path_that_cannot_be(no_credentials, path, sentence):
    with pytest.raises(UserError) as caught:
        object_stores.file_systems_for(path)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        ("in/2024/*.csv", "in/2024"),
        ("in/2024/a*/b.csv", "in/2024"),
        ("in/[ab]/c.csv", "in"),
        ("in/a?.csv", "in"),
        ("in/a.csv", "in"),
        ("a.csv", ""),
        ("**/in/a.csv", ""),
    ],
)
def test_a_bucket_is_probed_once_and_only_where_the_job_reads(no_credentials, monkeypatch, key, prefix):
    """A policy may let a user list a part of a bucket alone."""
    probes = []
    monkeypatch.setitem(
        object_stores._PROBES, "s3", lambda path, bucket, prefix, flags: probes.append((bucket, prefix))
    )
    for _ in range(2):
        object_stores.file_systems_for(f"s3://reviews/{key}")
    assert probes == [("reviews", prefix)]


def test_without_boto3_the_extra_is_named(no_credentials, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
    with pytest.raises(UserError, match=r"(?m)^s3://b/a: s3:// needs boto3: pip install 'review-scorer\[aws\]'$"):
        object_stores.file_systems_for("s3://b/a")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (S3ClientError("Forbidden", 403), UserError("s3://b/a: access denied: Forbidden")),
        (
            BeamIOError("no", {"s3://b/a": S3ClientError("Slow\ndown", 503)}),
            UserError("s3://b/a cannot be reached: Slow down"),
        ),
        (exceptions.Forbidden("not yours"), UserError("s3://b/a: access denied: not yours")),
        (ConnectionResetError("by peer"), UserError("s3://b/a cannot be reached: by peer")),
        (exceptions.NotFound("none"), FileNotFoundError(2, "none", "s3://b/a")),
        (gzip.BadGzipFile("Not a gzipped file"), gzip.BadGzipFile("Not a gzipped file")),
        (ZeroDivisionError("a bug"), ZeroDivisionError("a bug")),
    ],
)
def test_what_a_store_raises_is_told_in_a_line_and_nothing_else_is(error, expected):
    with pytest.raises(type(expected)) as caught, object_stores.store_errors("s3://b/a"):
        raise error
    assert str(caught.value) == str(expected)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_from_the_store(bucket, prepared, tmp_path):
    flags = ["--epochs=5", "--folds=0", "--seed=5"]
    assert start(prepared, tmp_path / "whole", *flags).wait() == 0
    output = f"{bucket}/trained"
    process = start(prepared, output, *flags)
    while not storage.exists(f"{output}/checkpoints/state.json") and process.poll() is None:
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert not storage.exists(f"{output}/metrics.json")
    with pytest.raises(UserError, match="holds an interrupted run with --seed 5, not 6; give the same settings"):
        task.main([f"--data={prepared}", f"--output={output}", "--epochs=5", "--folds=0", "--seed=6"])
    ended = run_command("trainer.task", f"--data={prepared}", f"--output={output}", *flags)
    assert ended.returncode == 0
    assert "going on after epoch" in ended.stderr
    with storage.local_copy(output) as folder:
        assert weights(pathlib.Path(folder)) == weights(tmp_path / "whole")
        assert len(list(pathlib.Path(folder, "checkpoints").glob("*.weights.h5"))) <= 2
        assert len(list(pathlib.Path(folder, "export/reviews").iterdir())) == 1
