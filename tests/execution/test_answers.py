"""What a job is sent to is asked first, and whatever does not answer is told within seconds."""

import concurrent.futures
import contextlib
import http.server
import os
import pathlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from apache_beam import runners
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.job_server import JavaJarJobServer
from apache_beam.runners.portability.prism_runner import PrismJobServer

from beam_pipelines.errors import UserError
from beam_pipelines.execution import answers, workers


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(answers, "SECONDS", 0.5)


def check(*arguments: str) -> None:
    options = PipelineOptions([*arguments])
    runner = runners.create_runner(options.get_all_options()["runner"])
    answers.check(options, runner, workers.workers_of(options, runner))


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """An address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def closed() -> Iterator[str]:
    """An address where nobody is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def job_server() -> Iterator[str]:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@pytest.fixture
def flink() -> Iterator[str]:
    """A server of HTTP, which knows no page."""

    class Silent(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ("--runner=PortableRunner --environment_type=LOOPBACK --job_endpoint", "Beam job server"),
        ("--runner=FlinkRunner --environment_type=LOOPBACK --flink_master", "REST service"),
        ("--runner=SparkRunner --spark_submit_uber_jar --spark_rest_url", "REST service"),
    ],
)
@pytest.mark.parametrize("address_of", [silent, closed])
def test_an_address_that_does_not_answer_is_told_in_seconds(address_of, arguments, what):
    started = time.monotonic()
    *others, flag = arguments.split()
    with address_of() as address:
        sentence = rf"{flag} {address}: no {what} answers there within 0\.5 s \(.+\); is it running\?"
        with pytest.raises(UserError, match=f"^{sentence}\n"):
            check(*others, f"{flag}={address}")
    assert time.monotonic() - started < 5


def test_what_a_plain_connection_meets_is_told():
    with closed() as address, pytest.raises(UserError, match=r"\(Connection refused\); is it running\?\n"):
        check("--runner=PortableRunner", "--environment_type=LOOPBACK", f"--job_endpoint={address}")
    with silent() as address, pytest.raises(UserError, match=r"\(something else does\); is it running\?\n"):
        check("--runner=PortableRunner", "--environment_type=LOOPBACK", f"--job_endpoint={address}")
    with pytest.raises(UserError, match=r"\(an address is HOST:PORT\); is it running\?\n"):
        check("--runner=PortableRunner", "--environment_type=LOOPBACK", "--job_endpoint=127.0.0.1")


def test_a_spark_master_that_is_not_there_is_told(job_server):
    with closed() as address:
        flags = ["--runner=SparkRunner", "--environment_type=LOOPBACK", f"--job_endpoint={job_server}"]
        with pytest.raises(UserError, match=f"^--spark_master_url spark://{address}: no Spark master answers there"):
            check(*flags, f"--spark_master_url=spark://{address}")
        # One of two is there; and another resource manager is for the job server to find.
        check(*flags, f"--spark_master_url=spark://{address},{job_server}")
        check(*flags, "--spark_master_url=yarn")


def test_what_answers_is_taken(job_server, flink):
    check("--runner=PortableRunner", "--environment_type=LOOPBACK", f"--job_endpoint={job_server}")
    check("--runner=FlinkRunner", "--environment_type=LOOPBACK", f"--flink_master={flink}", "--flink_submit_uber_jar")


def test_a_worker_pool_is_asked_too(job_server):
    flags = ["--runner=PrismRunner", "--environment_type=EXTERNAL"]
    check(*flags, f"--environment_config={job_server}")
    check(*flags, f"--environment_option=external_service_address={job_server}")
    with closed() as address:
        for config in (address, f'{{"url": "{address}"}}'):
            with pytest.raises(UserError, match=f"^--environment_config {address}: no worker pool answers there"):
                check(*flags, f"--environment_config={config}")


def test_where_an_address_may_lead_elsewhere_who_starts_the_workers_is_only_missed(job_server, caplog):
    """A port of a cluster may be forwarded to this machine."""
    flags = ["--runner=PortableRunner", f"--job_endpoint={job_server}"]
    check(*flags, "--environment_type=PROCESS", '--environment_config={"command": "/no/boot"}')
    assert caplog.messages == [
        "--environment_type PROCESS: there is no program /no/boot to start workers with. This is for nothing where "
        f"--job_endpoint {job_server} leads to another machine"
    ]


def test_the_program_of_the_workers_is_looked_for(tmp_path):
    flags = ["--runner=PrismRunner", "--environment_type=PROCESS"]
    boot = program(tmp_path, "boot", "")
    check(*flags, f'--environment_config={{"command": "{boot}"}}')
    check(*flags, f"--environment_option=process_command={boot}")
    with pytest.raises(UserError, match="^--environment_type PROCESS: there is no program /no/boot to start workers w"):
        check(*flags, '--environment_config={"command": "/no/boot"}')
    with pytest.raises(UserError, match=r"^--environment_config /no/boot is not JSON such as \{"):
        check(*flags, "--environment_config=/no/boot")


def program(folder: pathlib.Path, name: str, script: str) -> pathlib.Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (None, "there is no program docker"),
        ("echo 'Cannot connect to the daemon' >&2; exit 1", "Cannot connect to the daemon"),
        ("exec sleep 30", "its daemon does not answer"),
    ],
)
def test_docker_is_asked_for_where_it_starts_the_workers(monkeypatch, tmp_path, job_server, script, why):
    flags = ["--runner=PortableRunner", f"--job_endpoint={job_server}"]
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    if script:
        program(tmp_path, "docker", script)
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    sentence = (
        "--runner PortableRunner starts its workers with Docker on this machine (--environment_type DOCKER), and that "
        f"does not work: {why}; give --environment_type LOOPBACK to have them in this process"
    )
    with pytest.raises(UserError, match=f"^{re.escape(sentence)}\n"):
        check(*flags)
    program(tmp_path, "docker", "echo 28.2.2")
    check(*flags)


def test_java_is_looked_for_where_a_job_server_is_started(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="^--runner FlinkRunner starts a job server written in Java, and there is no j"):
        check("--runner=FlinkRunner")
    java = program(tmp_path, "java", "")
    check("--runner=FlinkRunner")
    check("--runner=SparkRunner", f"--job_server_java_launcher={java}")


def test_the_files_of_a_runner_are_looked_for(monkeypatch, tmp_path):
    program(tmp_path, "java", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="^--prism_location /no/prism does not exist\n"):
        check("--runner=PrismRunner", "--prism_location=/no/prism")
    with pytest.raises(UserError, match="^--flink_job_server_jar /no/server.jar does not exist\n"):
        check("--runner=FlinkRunner", "--flink_job_server_jar=/no/server.jar")
    check("--runner=FlinkRunner", "--flink_job_server_jar=https://example.invalid/server.jar")


@pytest.mark.parametrize(
    ("runner", "downloads", "flag"),
    [
        ("PrismRunner", (PrismJobServer, "local_bin"), "--prism_location"),
        ("FlinkRunner", (JavaJarJobServer, "local_jar"), "--flink_job_server_jar"),
        ("SparkRunner", (JavaJarJobServer, "local_jar"), "--spark_job_server_jar"),
    ],
)
def test_what_a_runner_needs_is_downloaded_before_any_work(monkeypatch, tmp_path, runner, downloads, flag):
    program(tmp_path, "java", "")
    monkeypatch.setenv("PATH", str(tmp_path))

    def fail(*given):
        raise RuntimeError("Unable to fetch remote job server\nat https://example.invalid")

    monkeypatch.setattr(*downloads, fail)
    told = f"^--runner {runner}: Unable to fetch remote job server at https://.*; where it cannot be .* with {flag}\n"
    with pytest.raises(UserError, match=told):
        check(f"--runner={runner}")
