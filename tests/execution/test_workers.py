"""Where the workers of a job are, by its flags."""

import socket

import pytest
from apache_beam import runners
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from beam_pipelines.execution import workers
from beam_pipelines.execution.workers import Place, Workers

# Of the block that is reserved for documents, so it is no machine's.
ELSEWHERE = "192.0.2.7"


def found(*arguments: str) -> Workers:
    options = PipelineOptions([*arguments])
    return workers.workers_of(options, runners.create_runner(options.get_all_options()["runner"]))


@pytest.mark.parametrize(
    ("arguments", "place", "environment"),
    [
        (["--runner=FnApiRunner"], Place.IN_MEMORY, ""),
        (["--runner=BundleBasedDirectRunner"], Place.IN_MEMORY, ""),
        (["--runner=PrismRunner"], Place.THIS_MACHINE, "LOOPBACK"),
        (["--runner=prismrunner", "--environment_type=process"], Place.THIS_MACHINE, "PROCESS"),
        (["--runner=PrismRunner", "--environment_type=DOCKER"], Place.CONTAINERS, "DOCKER"),
        (["--runner=FlinkRunner"], Place.THIS_MACHINE, "LOOPBACK"),
        (["--runner=FlinkRunner", "--flink_master=[local]"], Place.THIS_MACHINE, "LOOPBACK"),
        (["--runner=FlinkRunner", "--flink_master=localhost:8081"], Place.CONTAINERS, "DOCKER"),
        (
            ["--runner=FlinkRunner", "--flink_master=localhost:8081", "--environment_type=EXTERNAL"],
            Place.THIS_MACHINE,
            "EXTERNAL",
        ),
        (
            ["--runner=FlinkRunner", f"--flink_master=http://{ELSEWHERE}:8081", "--environment_type=EXTERNAL"],
            Place.OTHER_MACHINES,
            "EXTERNAL",
        ),
        (["--runner=SparkRunner"], Place.THIS_MACHINE, "LOOPBACK"),
        (["--runner=SparkRunner", "--spark_master_url=local[*]"], Place.THIS_MACHINE, "LOOPBACK"),
        (["--runner=SparkRunner", "--spark_master_url=spark://localhost:7077"], Place.CONTAINERS, "DOCKER"),
        (["--runner=PortableRunner", "--job_endpoint=localhost:8099"], Place.CONTAINERS, "DOCKER"),
        (
            ["--runner=PortableRunner", "--job_endpoint=localhost:8099", "--environment_type=LOOPBACK"],
            Place.THIS_MACHINE,
            "LOOPBACK",
        ),
        (
            ["--runner=PortableRunner", f"--job_endpoint={ELSEWHERE}:8099", "--environment_type=PROCESS"],
            Place.OTHER_MACHINES,
            "PROCESS",
        ),
        (
            ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
            Place.THIS_MACHINE,
            "LOOPBACK",
        ),
        (["--runner=DataflowRunner", "--environment_type=LOOPBACK"], Place.DATAFLOW, ""),
    ],
)
def test_the_flags_tell_where_the_workers_are(arguments, place, environment):
    workers = found(*arguments)
    assert (workers.place, workers.environment) == (place, environment)


@pytest.mark.parametrize(
    ("arguments", "here"),
    [
        (["--runner=FnApiRunner"], True),
        (["--runner=PrismRunner"], True),
        (["--runner=PrismRunner", "--environment_type=PROCESS"], False),
        (["--runner=DataflowRunner"], False),
    ],
)
def test_workers_here_share_what_this_process_has_imported(arguments, here):
    assert found(*arguments).are_here == here


def test_one_address_elsewhere_is_enough():
    flags = ["--job_endpoint=localhost:8099", f"--flink_master={ELSEWHERE}:8081", "--environment_type=PROCESS"]
    workers = found("--runner=FlinkRunner", *flags)
    assert workers.cluster == {"--job_endpoint": "localhost:8099", "--flink_master": f"{ELSEWHERE}:8081"}
    assert workers.place is Place.OTHER_MACHINES


def test_beam_gets_the_environment_as_it_wants_it():
    options = PipelineOptions(["--runner=PrismRunner", "--environment_type=process"])
    workers.workers_of(options, runners.create_runner("PrismRunner"))
    assert options.view_as(PortableOptions).environment_type == "PROCESS"


def test_an_unknown_environment_is_refused():
    with pytest.raises(ValueError, match="^--environment_type K8S is unknown; Beam has LOOPBACK, DOCKER, PROCESS, EXT"):
        found("--runner=PrismRunner", "--environment_type=K8S")


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/mnt/share/in.csv", True),
        ("/mnt/share", True),
        ("/mnt/share/a/../../other/in.csv", False),
        ("/mnt/shared/in.csv", False),
        ("/home/in.csv", False),
        ("-", False),
        ("/dev/stdin", False),
    ],
)
def test_other_machines_see_what_lies_in_a_shared_folder(path, seen):
    flags = [f"--job_endpoint={ELSEWHERE}:8099", "--environment_type=PROCESS", "--shared_folder=/mnt/share/"]
    assert found("--runner=PortableRunner", *flags).see(path) == seen


def test_dataflow_sees_no_disk_whatever_is_said_of_it():
    assert not found("--runner=DataflowRunner", "--shared_folder=/mnt").see("/mnt/in.csv")


def test_a_name_and_an_address_of_this_machine_are_known():
    assert workers.is_this_machine(socket.gethostname())
    assert workers.is_this_machine("127.0.0.1")
    assert not workers.is_this_machine(ELSEWHERE)
    assert not workers.is_this_machine("no-such-host.invalid")


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["--runner=FlinkRunner"], True),
        (["--runner=FlinkRunner", "--flink_master=localhost:8081"], True),
        (["--runner=FlinkRunner", "--flink_master=localhost:8081", "--flink_submit_uber_jar"], False),
        (["--runner=FlinkRunner", "--job_endpoint=localhost:8099"], False),
        (["--runner=SparkRunner"], True),
        (["--runner=SparkRunner", "--spark_submit_uber_jar", "--spark_rest_url=http://localhost:6066"], False),
        (["--runner=PrismRunner"], False),
    ],
)
def test_a_job_server_is_started_where_none_is_named(arguments, needed):
    options = PipelineOptions(arguments)
    assert workers.needs_job_server(options, runners.create_runner(options.get_all_options()["runner"])) == needed
