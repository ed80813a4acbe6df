"""Beam's job server for Spark, with Spark on two cores of this machine within it."""

import collections
import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterator

from tests.helpers.engines.java import java
from tests.helpers.engines.processes import free_ports, listens, wait_until

_JOB_SERVER = "org.apache.beam.runners.spark.SparkJobServerDriver"


@dataclasses.dataclass(frozen=True)
class Server:
    """A running job server.

    Attributes:
      flags: Of a job that runs there, but for `--environment_type` and what belongs to it.
      events: The folder where Spark tells what it does.
    """

    flags: list[str]
    events: pathlib.Path

    def records_read(self) -> dict[int, int]:
        """How many records the last job has read, by task, in the stage that has read most."""
        last = max(self.events.iterdir(), key=lambda path: path.stat().st_mtime)
        stages: dict[int, dict[int, int]] = collections.defaultdict(dict)
        for event in map(json.loads, last.read_text().splitlines()):
            if event["Event"] == "SparkListenerTaskEnd":
                read = event["Task Metrics"]["Shuffle Read Metrics"]["Total Records Read"]
                stages[event["Stage ID"]][event["Task Info"]["Index"]] = read
        return max(stages.values(), key=lambda tasks: sum(tasks.values()))


@contextlib.contextmanager
def job_server(folder: pathlib.Path) -> Iterator[Server]:
    """Starts a job server in a new folder, and ends it."""
    (folder / "events").mkdir(parents=True)
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
    properties = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": (folder / "events").as_uri(),
    }
    with java("spark", 1500, log, _JOB_SERVER, *arguments, properties=properties) as server:
        wait_until(lambda: listens(job), seconds=60, process=server, log=log)
        yield Server(["--runner=PortableRunner", f"--job_endpoint=localhost:{job}"], folder / "events")
