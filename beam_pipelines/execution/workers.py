"""Where the workers of a job are, as far as its flags tell: what they see, and what they have to be sent."""

import contextlib
import dataclasses
import enum
import os
import re
import socket
import urllib.parse

from apache_beam.options import pipeline_options
from apache_beam.runners.portability import flink_runner, portable_runner, spark_runner
from apache_beam.runners.runner import PipelineRunner

DATAFLOW = ("DataflowRunner", "TestDataflowRunner")
# Beam's own are found by its runners, see `_environment`.
LOOPBACK, DOCKER, PROCESS, EXTERNAL = ENVIRONMENTS = ("LOOPBACK", "DOCKER", "PROCESS", "EXTERNAL")
# What --flink_master says where no cluster is named.
STARTED_BY_BEAM = tuple(flink_runner.MAGIC_HOST_NAMES)
# A job server within this process, as Beam's tests use it.
EMBEDDED = "embed"


class SharedFolderOptions(pipeline_options.PipelineOptions):
    """Our one flag among Beam's."""

    @classmethod
    def _add_argparse_args(cls, parser):
        parser.add_argument(
            "--shared_folder",
            action="append",
            default=None,
            help="A local folder that all workers of a cluster see under the same path, such as a mounted share.",
        )


class Place(enum.Enum):
    """Where workers run."""

    IN_MEMORY = "in this process, or in others that it starts"
    THIS_MACHINE = "on this machine"
    CONTAINERS = "in containers"
    OTHER_MACHINES = "on other machines"
    DATAFLOW = "on Dataflow's machines"


@dataclasses.dataclass(frozen=True)
class Workers:
    """What the flags tell of a job's workers.

    Attributes:
      runner: The name of the runner's class.
      place: Where they run.
      environment: One of Beam's ENVIRONMENTS; "" where the runner knows none.
      cluster: The addresses of the cluster that the flags name, by flag.
      shared: Local folders that all of them see.
      environment_given: Whether a flag says the environment, and not the runner.
    """

    runner: str
    place: Place
    environment: str = ""
    cluster: dict[str, str] = dataclasses.field(default_factory=dict)
    shared: tuple[str, ...] = ()
    environment_given: bool = False

    @property
    def are_remote(self) -> bool:
        """Whether a description of the job leaves this process."""
        return self.place is not Place.IN_MEMORY

    @property
    def are_here(self) -> bool:
        """Whether they work in this process, or in others that it starts."""
        return self.place is Place.IN_MEMORY or self.environment == LOOPBACK

    @property
    def cluster_is_here(self) -> bool:
        """Whether all addresses are this machine's, as far as one can see from it."""
        return all(is_this_machine(host_of(address)) for address in self.cluster.values())

    def see(self, path: str) -> bool:
        """Whether they see a local file of this machine."""
        if self.place in (Place.IN_MEMORY, Place.THIS_MACHINE):
            return True
        if self.place is Place.DATAFLOW or path == "-" or path.startswith("/dev/"):
            return False
        return any(f"{os.path.abspath(path)}/".startswith(f"{folder}/") for folder in self.shared)


def workers_of(options: pipeline_options.PipelineOptions, runner: PipelineRunner) -> Workers:
    """Tells where a runner's workers are, and settles the environment that the runner would choose.

    Raises:
      ValueError: There is no such environment.
    """
    name = type(runner).__name__
    if name in DATAFLOW:
        return Workers(name, Place.DATAFLOW)
    if not isinstance(runner, portable_runner.PortableRunner):
        return Workers(name, Place.IN_MEMORY)
    environment = _environment(options, runner)
    portable = options.view_as(pipeline_options.PortableOptions)
    given = portable.environment_type is not None
    # Beam takes it in upper case alone, and chooses one only when the pipeline is built.
    portable.environment_type = environment
    shared = options.view_as(SharedFolderOptions).shared_folder or []
    folders = tuple(os.path.abspath(os.path.expanduser(folder)).rstrip("/") for folder in shared)
    workers = Workers(name, Place.THIS_MACHINE, environment, cluster_of(options, runner), folders, given)
    if environment == DOCKER:
        return dataclasses.replace(workers, place=Place.CONTAINERS)
    if environment == LOOPBACK or workers.cluster_is_here:
        return workers
    return dataclasses.replace(workers, place=Place.OTHER_MACHINES)


def _environment(options: pipeline_options.PipelineOptions, runner: PipelineRunner) -> str:
    """The environment that is given, or that the runner takes without one (Beam 2.77)."""
    given = options.view_as(pipeline_options.PortableOptions).environment_type
    if given:
        if given.upper() not in ENVIRONMENTS:
            raise ValueError(f"--environment_type {given} is unknown; Beam has {', '.join(ENVIRONMENTS)}")
        return given.upper()
    if isinstance(runner, flink_runner.FlinkRunner):
        return LOOPBACK if _flink_is_started_here(options) else DOCKER
    if isinstance(runner, spark_runner.SparkRunner):
        return LOOPBACK if _spark_is_started_here(options) else DOCKER
    return LOOPBACK if type(runner).__name__ == "PrismRunner" else DOCKER


def _flink_is_started_here(options: pipeline_options.PipelineOptions) -> bool:
    master = options.view_as(pipeline_options.FlinkRunnerOptions).flink_master
    return master in STARTED_BY_BEAM


def _spark_is_started_here(options: pipeline_options.PipelineOptions) -> bool:
    master = options.view_as(pipeline_options.SparkRunnerOptions).spark_master_url
    return bool(re.match(spark_runner.LOCAL_MASTER_PATTERN, master))


def cluster_of(options: pipeline_options.PipelineOptions, runner: PipelineRunner) -> dict[str, str]:
    """The addresses that the flags name, by flag; {} where the runner starts all that it needs."""
    endpoint = options.view_as(pipeline_options.PortableOptions).job_endpoint
    cluster = {"--job_endpoint": endpoint} if endpoint and endpoint != EMBEDDED else {}
    if isinstance(runner, flink_runner.FlinkRunner) and not _flink_is_started_here(options):
        cluster["--flink_master"] = options.view_as(pipeline_options.FlinkRunnerOptions).flink_master.strip()
    spark = options.view_as(pipeline_options.SparkRunnerOptions)
    if isinstance(runner, spark_runner.SparkRunner) and not _spark_is_started_here(options):
        cluster["--spark_master_url"] = spark.spark_master_url
    if isinstance(runner, spark_runner.SparkRunner) and spark.spark_submit_uber_jar and spark.spark_rest_url:
        cluster["--spark_rest_url"] = spark.spark_rest_url
    return cluster


def needs_job_server(options: pipeline_options.PipelineOptions, runner: PipelineRunner) -> bool:
    """Whether the runner starts a job server of its own, written in Java."""
    if options.view_as(pipeline_options.PortableOptions).job_endpoint:
        return False
    if isinstance(runner, flink_runner.FlinkRunner):
        flags = options.view_as(pipeline_options.FlinkRunnerOptions)
        return _flink_is_started_here(options) or not flags.flink_submit_uber_jar
    if isinstance(runner, spark_runner.SparkRunner):
        return not options.view_as(pipeline_options.SparkRunnerOptions).spark_submit_uber_jar
    return False


def as_url(address: str) -> str:
    """An address of a REST service, with its scheme.

    >>> as_url("localhost:8081"), as_url("https://flink.example/")
    ('http://localhost:8081', 'https://flink.example')
    """
    return (address if "://" in address else f"http://{address}").rstrip("/")


def host_of(address: str) -> str:
    """The host of an address, with or without a scheme.

    >>> [host_of(address) for address in ("localhost:8099", "http://flink:8081", "spark://[::1]:7077")]
    ['localhost', 'flink', '::1']
    """
    return urllib.parse.urlsplit(address if "://" in address else f"//{address}").hostname or ""


def is_this_machine(host: str) -> bool:
    """Whether a host is a name or an address of this machine: one that a socket here can have."""
    with contextlib.suppress(OSError):
        for family, kind, protocol, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM):
            with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as probe:
                probe.bind(address)
                return True
    return False
