"""The scoring job staged for Dataflow, all in a bucket, and what was staged run on Prism."""

import dataclasses
import pathlib

import pytest
from google.cloud import storage

from tests.helpers.engines import boot_worker, dataflow, jobs
from tests.runners.conftest import score_flags

pytestmark = pytest.mark.runners
FOLDERS = ("scores", "rejected")


@dataclasses.dataclass(frozen=True)
class Staged:
    """A staged job: its flags, the bucket, and the address of the pipeline in it."""

    flags: list[object]
    bucket: str
    pipeline: str


def upload(folder: pathlib.Path, bucket: str, name: str) -> str:
    """Copies a folder to a bucket and returns its address there."""
    target = storage.Client.create_anonymous_client().bucket(bucket.removeprefix("gs://"))
    for path in folder.rglob("*"):
        if path.is_file():
            target.blob(f"{name}/{path.relative_to(folder)}").upload_from_filename(str(path))
    return f"{bucket}/{name}"


def download(bucket: str) -> dict[str, bytes]:
    blobs = storage.Client.create_anonymous_client().list_blobs(bucket.removeprefix("gs://"))
    return {blob.name: blob.download_as_bytes() for blob in blobs}


@pytest.fixture
def staged(dump, cnn, new_bucket, tmp_path) -> Staged:
    """The scoring job as a template in a new bucket, which holds the archive and the model too."""
    bucket = new_bucket("gs")
    flags = score_flags(upload(dump, bucket, "dump"), upload(cnn, bucket, "model"), f"{bucket}/scored")
    jobs.run(tmp_path / "stage.log", "beam_pipelines.score", *flags, *dataflow.flags(bucket))
    [pipeline] = [name for name in download(bucket) if name.endswith("pipeline.pb")]
    return Staged(flags, bucket, f"{bucket}/{pipeline}")


def test_what_is_staged_scores_as_the_runner_in_memory(staged, dump, scored_in_memory, tmp_path):
    start = boot_worker.write_start(tmp_path / "workers")
    jobs.run(tmp_path / "prism.log", "tests.helpers.engines.dataflow", staged.pipeline, start)
    written = {name.removeprefix("scored/"): data for name, data in download(staged.bucket).items()}
    # Rejects tell their file.
    there, here = f"{staged.bucket}/dump".encode(), str(dump).encode()
    scored = {name: data.replace(there, here) for name, data in written.items() if name.startswith(FOLDERS)}
    assert scored == jobs.contents(scored_in_memory, *FOLDERS)
    jobs.run(tmp_path / "finish.log", "beam_pipelines.score", *staged.flags, "--finish")
    summary = tmp_path / "summary.json"
    summary.write_bytes(download(staged.bucket)["scored/summary.json"].replace(there, here))
    assert jobs.counts(summary) == jobs.counts(scored_in_memory / "summary.json")
