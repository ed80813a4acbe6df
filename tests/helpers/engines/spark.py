"""Beam's job server for Spark, with Spark on two cores of this machine within it."""

import contextlib
import pathlib
from collections.abc import Iterator

from tests.helpers.engines.java import java
from tests.helpers.engines.processes import free_ports, listens, wait_until

_JOB_SERVER = "org.apache.beam.runners.spark.SparkJobServerDriver"
_ON_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false"}


@contextlib.contextmanager
def job_server(folder: pathlib.Path) -> Iterator[list[str]]:
    """Starts it in a new folder, and ends it.

    Yields:
      The flags of a job that runs there, but for `--environment_type` and what belongs to it.
    """
    folder.mkdir(parents=True)
    job, artifacts, expansion = free_ports(3)
    log = folder / "job-server.log"
    arguments = [
        "--spark-master-url=local[2]",
        "--job-host=127.0.0.1",
        f"--job-port={job}",
        f"--artifact-port={artifacts}",
        f"--expansion-port={expansion}",
        f"--artifacts-dir={folder}/artifacts",
    ]
    with java("spark", 1500, log, _JOB_SERVER, *arguments, properties=_ON_LOOPBACK) as server:
        wait_until(lambda: listens(job), seconds=60, process=server, log=log)
        yield ["--runner=PortableRunner", f"--job_endpoint=localhost:{job}"]
