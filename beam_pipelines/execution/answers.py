"""Whether what a job is sent to answers, asked before any work and within seconds."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import grpc
from apache_beam.options import pipeline_options
from apache_beam.runners.portability import flink_runner, spark_runner
from apache_beam.runners.portability.prism_runner import PrismJobServer
from apache_beam.runners.runner import PipelineRunner

from beam_pipelines.errors import UserError, logger
from beam_pipelines.execution import workers
from beam_pipelines.execution.workers import Workers

# So long each is waited for.
SECONDS = 5


def check(options: pipeline_options.PipelineOptions, runner: PipelineRunner, found: Workers) -> None:
    """Asks the addresses that the flags name, and looks for the programs that a runner starts here.

    Raises:
      UserError: One does not answer, or is not there.
    """
    for flag, address in found.cluster.items():
        _ASKED[flag](flag, address)
    _check_programs(options, runner)
    if found.cluster_is_here:
        _check_environment(options, found)


def _check_environment(options: pipeline_options.PipelineOptions, found: Workers) -> None:
    """Looks for what starts the workers on this machine.

    An address of this machine may lead to another one, as that of a forwarded port: who names one, and the environment,
    is only warned.
    """
    try:
        if found.environment == workers.DOCKER:
            _check_docker(found)
        elif found.environment == workers.EXTERNAL:
            _check_pool(options)
        elif found.environment == workers.PROCESS:
            _check_command(options)
    except UserError as error:
        if not (found.cluster and found.environment_given):
            raise
        flag, address = next(iter(found.cluster.items()))
        logger.warning("%s. This is for nothing where %s %s leads to another machine", error, flag, address)


def _no_answer(flag: str, address: str, what: str, why: object) -> UserError:
    return UserError(f"{flag} {address}: no {what} answers there within {SECONDS} s ({why}); is it running?")


def _ask_grpc(flag: str, address: str, what: str = "Beam job server") -> None:
    """Waits for a connection that is ready for requests; Beam would wait for five minutes (Beam 2.77)."""
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=SECONDS)
        except grpc.FutureTimeoutError:
            raise _no_answer(flag, address, what, _why_not(address)) from None


def _why_not(address: str) -> str:
    """What a plain connection meets, since gRPC tells no more than that time has passed."""
    try:
        host, port = _host_and_port(address)
        with socket.create_connection((host, port), timeout=SECONDS):
            return "something else does"
    except ValueError:
        return "an address is HOST:PORT"
    except OSError as error:
        return error.strerror or str(error)


def _host_and_port(address: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(address if "://" in address else f"//{address}")
    if not parts.hostname or not parts.port:
        raise ValueError(f"{address} is not HOST:PORT")
    return parts.hostname, parts.port


def _ask_http(flag: str, address: str) -> None:
    """Asks for a page of Flink's or Spark's REST service; whichever answer it gives, it is there."""
    try:
        with urllib.request.urlopen(f"{workers.as_url(address)}/config", timeout=SECONDS):
            pass
    except urllib.error.HTTPError:
        pass
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise _no_answer(flag, address, "REST service", getattr(why, "strerror", None) or why) from None


def _ask_socket(flag: str, address: str) -> None:
    if not address.startswith("spark://"):
        return  # Such as yarn, which the job server finds by its own configuration.
    for host_and_port in address.removeprefix("spark://").split(","):
        with contextlib.suppress(OSError, ValueError), socket.create_connection(_host_and_port(host_and_port), SECONDS):
            return
    raise _no_answer(flag, address, "Spark master", "no connection")


_ASKED = {
    "--job_endpoint": _ask_grpc,
    "--flink_master": _ask_http,
    "--spark_master_url": _ask_socket,
    "--spark_rest_url": _ask_http,
}


# By runner, the flag that names the file of its job server, and that server.
_JOB_SERVERS = {
    "FlinkRunner": ("flink_job_server_jar", flink_runner.FlinkJarJobServer),
    "SparkRunner": ("spark_job_server_jar", spark_runner.SparkJarJobServer),
}


def _check_programs(options: pipeline_options.PipelineOptions, runner: PipelineRunner) -> None:
    """Looks for what a runner starts itself: Java with a job server, Prism."""
    name = type(runner).__name__
    flags = options.get_all_options()
    if workers.needs_job_server(options, runner):
        java = flags["job_server_java_launcher"]
        if not shutil.which(java):
            raise UserError(
                f"--runner {name} starts a job server written in Java, and there is no {java} here; install a JDK, "
                "name one with --job_server_java_launcher, or give --job_endpoint HOST:PORT of a job server that runs"
            )
        flag, make_server = _JOB_SERVERS[name]
        _check_file(flag, flags)
        server = make_server(options)
        with _naming_the_file(name, flag):
            server.local_jar(server.path_to_jar(), flags["jar_cache_dir"])
    elif name == "PrismRunner" and not flags["job_endpoint"]:
        _check_file("prism_location", flags)
        if not flags["prism_location"]:
            with _naming_the_file(name, "prism_location"):
                PrismJobServer.local_bin(PrismJobServer(options).path_to_binary(), PrismJobServer.BIN_CACHE)


@contextlib.contextmanager
def _naming_the_file(name: str, flag: str) -> Iterator[None]:
    """Tells what to do where a program cannot be downloaded, as on a machine without internet.

    Beam downloads it when the pipeline is submitted; done before, it is told while no output is touched.
    """
    try:
        yield
    except RuntimeError as error:
        why = " ".join(str(error).split())
        raise UserError(f"--runner {name}: {why}; where it cannot be downloaded, name the file with --{flag}") from None


def _check_file(flag: str, flags: dict) -> None:
    if flags[flag] and "://" not in flags[flag] and not os.path.isfile(flags[flag]):
        raise UserError(f"--{flag} {flags[flag]} does not exist")


def _check_docker(found: Workers) -> None:
    """Asks for Docker's daemon, which starts the workers of a cluster on this machine."""
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
        )
        why = asked.stderr.strip().splitlines()[-1:] if asked.returncode else []
    except FileNotFoundError:
        why = ["there is no program docker"]
    except subprocess.TimeoutExpired:
        why = ["its daemon does not answer"]
    if why:
        raise UserError(
            f"--runner {found.runner} starts its workers with Docker on this machine (--environment_type DOCKER), and "
            f"that does not work: {why[0]}; give --environment_type LOOPBACK to have them in this process"
        )


def _check_pool(options: pipeline_options.PipelineOptions) -> None:
    """Asks for the worker pool of EXTERNAL workers."""
    portable = options.view_as(pipeline_options.PortableOptions)
    flag = "--environment_config"
    address = portable.environment_config or portable.lookup_environment_option("external_service_address")
    with contextlib.suppress(ValueError, TypeError, KeyError):
        address = json.loads(portable.environment_config)["url"]
    _ask_grpc(flag, address, "worker pool")


def _check_command(options: pipeline_options.PipelineOptions) -> None:
    """Looks for the program that is started for each of the PROCESS workers."""
    portable = options.view_as(pipeline_options.PortableOptions)
    command = portable.lookup_environment_option("process_command")
    if portable.environment_config:
        try:
            command = json.loads(portable.environment_config)["command"]
        except (ValueError, TypeError, KeyError):
            raise UserError(
                f"--environment_config {portable.environment_config} is not JSON such as "
                '{"command": "/opt/apache/beam/boot"}, which --environment_type PROCESS needs'
            ) from None
    if not shutil.which(command):
        raise UserError(f"--environment_type PROCESS: there is no program {command} to start workers with")
