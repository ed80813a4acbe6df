"""A small archive, and what the three commands make of it, shared by the tests that need them."""

import functools
import gc
import os
import pathlib
import socket
import uuid
from collections.abc import Callable

import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.helpers.commands import train
from tests.helpers.reviews import BAD, DIM, GOOD, PLAIN, review, write_csv

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# The files whose tests need models of several architectures (`trained_once`), of which fitting all takes two minutes.
WITH_MODELS = {
    "tests/scoring/engines/test_scorer.py",
    "tests/serving/checking/test_comparison.py",
    "tests/serving/checking/test_server_check.py",
    "tests/serving/test_check.py",
    "tests/serving/test_publish.py",
    "tests/test_same_score.py",
    "tests/test_score.py",
    "tests/trainer/fitting/test_warm_start.py",
    "tests/trainer/test_explanation.py",
    "tests/trainer/test_export.py",
    "tests/trainer/test_row_slices.py",
    "tests/trainer/test_signatures.py",
    "tests/trainer/test_task.py",
}


def pytest_make_parametrize_id(val, argname) -> str | None:
    """Names bytes by their parameter: those of gzip hold the second, and processes of one run must agree on names."""
    return argname if isinstance(val, bytes) else None


class ByFile(LoadScopeScheduling):
    """Keeps the tests of a file in one process, and those of `WITH_MODELS` too, since each would fit the models."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "models" if file in WITH_MODELS else file


def pytest_xdist_make_scheduler(config, log) -> LoadScopeScheduling:
    return ByFile(config, log)


@pytest.fixture(scope="module", autouse=True)
def no_model_stays():
    """Frees the models of a module: a job keeps for good what exists when it starts, and here hundreds of jobs do."""
    yield
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()


@pytest.fixture(scope="session")
def rows() -> list[dict]:
    """400 rated reviews, no text twice."""
    random = np.random.default_rng(7)
    scores = random.choice([10, 20, 40, 60, 70, 80, 90, 95, 100], 400).tolist()
    texts = [review(random, score) + f" number{place}" for place, score in enumerate(scores)]
    return [
        {"id": f"r{place}", "title": f"Band {place % 40} - Album - {score}%", "score": score, "text": text}
        for place, (score, text) in enumerate(zip(scores, texts, strict=True))
    ]


@pytest.fixture(scope="session")
def archive(rows, tmp_path_factory) -> pathlib.Path:
    return write_csv(tmp_path_factory.mktemp("archive") / "reviews.csv", rows)


@pytest.fixture(scope="session")
def glove(tmp_path_factory) -> pathlib.Path:
    """Vectors in GloVe's text format: good and bad words point in opposite ways."""
    random = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("vectors") / "glove.txt"
    with path.open("w") as file:
        for words, sign in ((GOOD, 1), (BAD, -1), (PLAIN, 0)):
            for word in words:
                vector = random.normal(0, 0.3, DIM)
                vector[0] += sign
                file.write(word + " " + " ".join(f"{number:.5f}" for number in vector) + "\n")
    return path


@pytest.fixture(scope="session")
def prepared(archive, glove, tmp_path_factory) -> pathlib.Path:
    from beam_pipelines import preprocess

    output = tmp_path_factory.mktemp("prepared") / "out"
    arguments = f"--input {archive} --output {output} --text_column text --score_column score --id_column id"
    assert preprocess.main([*arguments.split(), f"--embeddings={glove}", "--max_tokens=200"]) == 0
    return output


TRAINED = {
    "cnn": ["--model=cnn", "--folds=2"],
    "lstm": ["--model=lstm"],
    "notebook-cnn": ["--model=cnn", "--preset=notebook", "--learning_rate=0.002", "--epochs=60", "--patience=60"],
    "notebook-lstm": ["--model=lstm", "--preset=notebook", "--learning_rate=0.003", "--epochs=40", "--patience=40"],
}


@pytest.fixture(scope="session")
def trained_once(prepared, tmp_path_factory) -> Callable[[str], pathlib.Path]:
    @functools.cache
    def once(name: str) -> pathlib.Path:
        output = tmp_path_factory.mktemp(name) / "out"
        return train(prepared, output, "--epochs=12", "--batch_size=8", *TRAINED[name])

    return once


@pytest.fixture(scope="session", params=TRAINED)
def trained(request, trained_once) -> pathlib.Path:
    """The output of the trainer, for all architectures."""
    return trained_once(request.param)


@pytest.fixture(scope="session")
def cnn(prepared, tmp_path_factory) -> pathlib.Path:
    return train(prepared, tmp_path_factory.mktemp("one-cnn") / "out", "--epochs=1")


@pytest.fixture(scope="session")
def served_cnn(cnn):
    """The local server of `cnn`, a process that all tests share: a test that kills one starts its own."""
    from tests.helpers.served import served

    with served(cnn) as server:
        yield server


@pytest.fixture(scope="session")
def in_folds(prepared, tmp_path_factory) -> pathlib.Path:
    return train(prepared, tmp_path_factory.mktemp("in-folds") / "out", "--epochs=2", "--folds=2")


@pytest.fixture(scope="session")
def s3_server() -> str:
    """The address of an S3 server on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(scope="session")
def gs_server() -> str:
    """The address of a Cloud Storage server on loopback."""
    from gcp_storage_emulator.server import create_server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def no_credentials(monkeypatch, tmp_path):
    """An environment without credentials, and without a look for them beyond this machine."""
    from apache_beam.io import filesystems

    from beam_pipelines.files import object_stores

    for name in [*os.environ]:
        if name.startswith(("AWS_", "GOOGLE_", "STORAGE_EMULATOR")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    # As in a new process.
    monkeypatch.setattr(filesystems.FileSystems, "_pipeline_options", None)
    monkeypatch.setattr(object_stores, "_probed", {})


@pytest.fixture
def new_bucket(request, monkeypatch, no_credentials) -> Callable[[str], str]:
    """Makes a bucket by its scheme, "s3" or "gs", and has the environment lead there."""

    def make(scheme: str) -> str:
        server, name = request.getfixturevalue(f"{scheme}_server"), f"reviews-{uuid.uuid4().hex}"
        if scheme == "s3":
            import boto3

            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
            boto3.session.Session().client("s3").create_bucket(Bucket=name)
        else:
            from google.cloud import storage

            monkeypatch.setenv("STORAGE_EMULATOR_HOST", server)
            storage.Client.create_anonymous_client().create_bucket(name, project="reviews")
        return f"{scheme}://{name}"

    return make


@pytest.fixture(params=["s3", "gs"])
def bucket(request, new_bucket) -> str:
    """A new bucket, on both object stores."""
    return new_bucket(request.param)
