"""What cannot work with workers elsewhere is told in one sentence, from the flags alone."""

import importlib.metadata
import re

import pytest
from apache_beam import runners
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

from beam_pipelines.errors import UserError
from beam_pipelines.execution import remote_checks

# Of the block that is reserved for documents, so it is no machine's.
ELSEWHERE = "192.0.2.7"
DATAFLOW = ["--runner=DataflowRunner", "--project=my-project", "--region=us-central1", "--temp_location=gs://b/tmp"]
IMAGE = "--sdk_container_image=gcr.io/mine"


def check(*arguments: str) -> PipelineOptions:
    options = PipelineOptions([*arguments])
    remote_checks.check_flags(options, runners.create_runner(options.get_all_options()["runner"]))
    return options


def check_paths(*arguments: str, reads=(), writes=()) -> None:
    remote_checks.check_paths(PipelineOptions([*arguments]), reads=reads, writes=writes)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--runner=DataflowRunner"],
            "--runner DataflowRunner also needs --project PROJECT, --region REGION and --temp_location "
            "gs://BUCKET/FOLDER",
        ),
        (
            [*DATAFLOW[:3], "--temp_location=/tmp"],
            "--runner DataflowRunner also needs --temp_location gs://BUCKET/FOLDER",
        ),
        (
            DATAFLOW,
            "--runner DataflowRunner: the workers lack this project; give --setup_file ./setup.py of a checkout of it, "
            "or --sdk_container_image with an image that holds it",
        ),
        (
            ["--runner=PortableRunner", "--environment_type=LOOPBACK"],
            "--runner PortableRunner also needs --job_endpoint HOST:PORT, the address of a Beam job server",
        ),
        (
            ["--runner=PortableRunner", "--job_endpoint=localhost:8099"],
            "--runner PortableRunner: the workers lack this project; give --setup_file ./setup.py of a checkout of it, "
            "or --environment_config with an image that holds it",
        ),
        (
            ["--runner=FlinkRunner", f"--job_endpoint={ELSEWHERE}:8099"],
            f"--job_endpoint {ELSEWHERE}:8099 is on another machine, which cannot reach workers in this process "
            "(--environment_type LOOPBACK); give --environment_type DOCKER, PROCESS or EXTERNAL",
        ),
        (
            ["--runner=PrismRunner", "--environment_type=K8S"],
            "--environment_type K8S is unknown; Beam has LOOPBACK, DOCKER, PROCESS, EXTERNAL",
        ),
    ],
)
def test_a_flag_that_is_missing_or_cannot_work_is_named(monkeypatch, arguments, sentence):
    monkeypatch.delenv("CLOUDSDK_COMPUTE_REGION", raising=False)
    monkeypatch.setenv("PATH", "")  # gcloud may know a region.
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}\n"):
        check(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--runner=FnApiRunner", "--s3_secret_access_key=s"],
        ["--runner=PrismRunner"],
        ["--runner=FlinkRunner"],
        ["--runner=SparkRunner"],
        ["--runner=PortableRunner", "--job_endpoint=localhost:8099", "--environment_type=LOOPBACK"],
        ["--runner=PortableRunner", "--job_endpoint=localhost:8099", "--environment_config=mine:1"],
        [
            "--runner=PortableRunner",
            "--job_endpoint=localhost:8099",
            "--environment_option=docker_container_image=mine",
        ],
        ["--runner=PortableRunner", f"--job_endpoint={ELSEWHERE}:8099", "--environment_type=EXTERNAL"],
        [*DATAFLOW, IMAGE],
        [*DATAFLOW, "--extra_package=review_scorer.whl"],
    ],
)
def test_what_can_work_passes(arguments):
    check(*arguments)


def test_the_region_may_be_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("CLOUDSDK_COMPUTE_REGION", "europe-west1")
    check(*(argument for argument in DATAFLOW if "region" not in argument), IMAGE)


@pytest.mark.parametrize(("flag", "variable"), remote_checks.CREDENTIALS.items())
@pytest.mark.parametrize("runner", [[*DATAFLOW, IMAGE], ["--runner=PrismRunner"]], ids=["Dataflow", "Prism"])
def test_a_secret_is_not_sent_with_the_job(runner, flag, variable):
    with pytest.raises(UserError, match=f"^--{flag} would stand in the job's description.* set {variable} in the env"):
        check(*runner, f"--{flag}=hidden")


@pytest.mark.parametrize(
    "environment",
    [
        '--environment_config={"command": "boot", "env": {"A": "1", "AWS_SECRET_ACCESS_KEY": "hidden"}}',
        "--environment_option=process_variables=A=1,AWS_SECRET_ACCESS_KEY=hidden",
    ],
)
def test_nor_within_the_environment_of_the_workers(environment):
    with pytest.raises(UserError, match="^AWS_SECRET_ACCESS_KEY of the workers' environment would stand in the job"):
        check("--runner=PrismRunner", "--environment_type=PROCESS", environment)


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [
        ([*DATAFLOW, IMAGE], "and Dataflow's workers do not see it; copy it to gs://BUCKET/..."),
        (
            ["--runner=PortableRunner", "--job_endpoint=localhost:8099"],
            "and workers in containers (--environment_type DOCKER) do not see it; copy it to gs://BUCKET/... or "
            "s3://BUCKET/..., or give --environment_type LOOPBACK, whose workers run in this process",
        ),
        (
            ["--runner=PortableRunner", f"--job_endpoint={ELSEWHERE}:8099"],
            "and workers in containers (--environment_type DOCKER) do not see it; copy it to gs://BUCKET/... or "
            "s3://BUCKET/...",
        ),
        (
            ["--runner=FlinkRunner", f"--flink_master={ELSEWHERE}:8081", "--environment_type=PROCESS"],
            f"and the workers of --flink_master {ELSEWHERE}:8081 may not see it; copy it to gs://BUCKET/... or "
            "s3://BUCKET/..., or say with --shared_folder FOLDER that all of them see a folder around it under the "
            "same path",
        ),
    ],
)
def test_a_local_path_that_the_workers_do_not_see_is_refused(arguments, ending):
    with pytest.raises(UserError, match=f"^--model trained is on this machine, {re.escape(ending)}\n"):
        check_paths(*arguments, reads=[("--input", "gs://b/in.csv"), ("--model", "trained")])
    with pytest.raises(UserError, match=r"^--output out is on this machine, .*; give a folder of gs://BUCKET/\.\.\."):
        check_paths(*arguments, reads=[("--input", "s3://b/in.csv")], writes=[("--output", "out")])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--runner=FnApiRunner", "--direct_running_mode=multi_processing"],
        ["--runner=PrismRunner"],
        ["--runner=FlinkRunner", "--flink_master=127.0.0.1:8081", "--environment_type=EXTERNAL"],
        [
            "--runner=PortableRunner",
            f"--job_endpoint={ELSEWHERE}:8099",
            "--environment_type=PROCESS",
            "--shared_folder=/mnt/a",
            "--shared_folder=/mnt/b",
        ],
    ],
)
def test_a_local_path_that_they_see_is_taken(arguments):
    check_paths(*arguments, reads=[("--input", "/mnt/a/*.csv"), ("--model", None)], writes=[("--output", "/mnt/b/out")])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--runner=FnApiRunner"], "--runner FnApiRunner runs the job in this process"),
        (
            ["--runner=PortableRunner", "--job_endpoint=localhost:8099", "--environment_type=LOOPBACK"],
            "workers of --environment_type LOOPBACK run in this process",
        ),
        (
            ["--runner=PrismRunner", "--environment_type=PROCESS"],
            "--runner PrismRunner starts a job server that ends with this process, where no --job_endpoint is given",
        ),
        (
            ["--runner=FlinkRunner", "--flink_master=localhost:8081"],
            "--runner FlinkRunner starts a job server that ends with this process, where no --job_endpoint is given",
        ),
    ],
)
def test_a_job_that_needs_this_process_cannot_be_left_alone(arguments, why):
    with pytest.raises(UserError, match=f"^--no_wait cannot be: {why}\n"):
        remote_checks.check_outlives(PipelineOptions(arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        DATAFLOW,
        ["--runner=PortableRunner", "--job_endpoint=localhost:8099"],
        ["--runner=FlinkRunner", "--flink_master=localhost:8081", "--flink_submit_uber_jar"],
    ],
)
def test_another_can(arguments):
    remote_checks.check_outlives(PipelineOptions(arguments))


def test_the_file_of_a_setup_is_known_by_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "setup.py").write_text("import setuptools; setuptools.setup()")
    monkeypatch.chdir(tmp_path)
    options = check(*DATAFLOW, "--setup_file=setup.py")
    assert options.view_as(SetupOptions).setup_file == str(tmp_path / "setup.py")


@pytest.mark.parametrize(
    ("given", "ending"),
    [
        ("setup.cfg", "is no setup.py or pyproject.toml"),
        ("no/setup.py", "does not exist; name the setup.py of a checkout of this project"),
    ],
)
def test_a_setup_file_that_is_none_is_refused(given, ending):
    with pytest.raises(UserError, match=f"^--setup_file {given} {re.escape(ending)}\n"):
        check(*DATAFLOW, f"--setup_file={given}")


def test_a_setup_that_cannot_be_built_here_is_refused(tmp_path, monkeypatch):
    """Beam builds it without isolation, so what builds it has to be installed."""
    (tmp_path / "setup.py").touch()
    (tmp_path / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools>=77", "no-such-builder", "pip"]')
    installed = {"setuptools": "65.5.0", "pip": "26.0"}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    sentence = "cannot be built in this environment; run: pip install 'setuptools>=77' 'no-such-builder'\n"
    with pytest.raises(UserError, match=f"^--setup_file {tmp_path}/setup.py {sentence}"):
        check(*DATAFLOW, f"--setup_file={tmp_path}/setup.py")
