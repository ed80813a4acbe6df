"""A Flink cluster on loopback: a JobManager, two TaskManagers of one slot each, and Beam's job server before them."""

import contextlib
import json
import pathlib
import subprocess
import urllib.request
from collections.abc import Iterator

from tests.helpers.engines.java import java
from tests.helpers.engines.processes import free_ports, kill_session, listens, wait_until

# The network memory is what tf.Transform needs, the heartbeats and restarts what ends a test soon.
_CONFIGURATION = """
jobmanager.rpc.address: 127.0.0.1
jobmanager.bind-host: 127.0.0.1
jobmanager.rpc.port: {rpc}
jobmanager.memory.process.size: 1000m
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 1
taskmanager.cpu.cores: 1
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
taskmanager.memory.task.heap.size: 512m
taskmanager.memory.task.off-heap.size: 64m
taskmanager.memory.managed.size: 128m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
parallelism.default: 2
io.tmp.dirs: {folder}/tmp
classloader.resolve-order: parent-first
heartbeat.interval: 2000
heartbeat.timeout: 12000
restart-strategy.type: exponential-delay
restart-strategy.exponential-delay.initial-backoff: 8 s
restart-strategy.exponential-delay.attempts-before-reset-backoff: 5
"""
_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
# Less than the restart's delay, since a worker that died stays cached so long; without it Beam stops its workers
# whenever a TaskManager has nothing to do.
_CACHE = "--environment_cache_millis=4000"


class Cluster:
    """A running cluster.

    Attributes:
      flags: Of a job that runs here, but for `--environment_type` and what belongs to it.
      task_managers: The processes of its TaskManagers, by name.
    """

    def __init__(self, folder: pathlib.Path, stack: contextlib.ExitStack):
        """Starts it in a new folder, to be ended by the stack."""
        self._folder, self._stack = folder, stack
        rpc, self._rest, job, artifacts, expansion = free_ports(5)
        (folder / "tmp").mkdir(parents=True)
        (folder / "config.yaml").write_text(_CONFIGURATION.format(rpc=rpc, rest=self._rest, folder=folder))
        self.task_managers: dict[str, subprocess.Popen] = {}
        self.flags = ["--runner=PortableRunner", f"--job_endpoint=localhost:{job}", "--parallelism=2", _CACHE]
        manager = self._start("job-manager", 600, _JOB_MANAGER, "--configDir", folder)
        wait_until(self._answers, seconds=60, process=manager, log=folder / "job-manager.log")
        for name in ("one", "two"):
            self.start_task_manager(name)
        server = self._start(
            "job-server",
            400,
            _JOB_SERVER,
            f"--flink-master=127.0.0.1:{self._rest}",
            "--job-host=127.0.0.1",
            f"--job-port={job}",
            f"--artifact-port={artifacts}",
            f"--expansion-port={expansion}",
            f"--artifacts-dir={folder}/artifacts",
        )
        wait_until(lambda: listens(job), seconds=60, process=server, log=folder / "job-server.log")

    def start_task_manager(self, name: str) -> None:
        """Starts a TaskManager and waits until it has joined."""
        arguments = ("--configDir", self._folder, "-D", f"taskmanager.resource-id={name}")
        process = self._start(f"task-manager-{name}", 900, _TASK_MANAGER, *arguments)
        self.task_managers[name] = process
        log = self._folder / f"task-manager-{name}.log"
        wait_until(lambda: name in self._joined(), seconds=60, process=process, log=log)

    def kill_task_manager(self, name: str) -> None:
        """Kills a TaskManager, and the workers that it has started, as a machine that fails would."""
        kill_session(self.task_managers.pop(name))

    def records_read(self, step: str) -> dict[str, int]:
        """How many records the last job's stage with a step has read, by TaskManager."""
        found = self._get(f"{self._stage(step)}/taskmanagers")["taskmanagers"]
        return {each["taskmanager-id"]: each["metrics"]["read-records"] for each in found}

    def restarts(self, step: str) -> int:
        """How many times the last job's stage with a step began anew."""
        return max(each["attempt"] for each in self._get(self._stage(step))["subtasks"])

    def _stage(self, step: str) -> str:
        last = max(self._get("jobs/overview")["jobs"], key=lambda job: job["start-time"])["jid"]
        [stage] = [each["id"] for each in self._get(f"jobs/{last}")["vertices"] if step in each["name"]]
        return f"jobs/{last}/vertices/{stage}"

    def _answers(self) -> bool:
        # It listens before it can answer.
        try:
            return self._joined() == set()
        except OSError:
            return False

    def _joined(self) -> set[str]:
        return {each["id"] for each in self._get("taskmanagers")["taskmanagers"]}

    def _get(self, path: str) -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._rest}/{path}", timeout=10) as answer:
            return json.load(answer)

    def _start(self, name: str, memory_mb: int, main_class: str, *arguments: object) -> subprocess.Popen:
        log = self._folder / f"{name}.log"
        return self._stack.enter_context(java("flink", memory_mb, log, main_class, *arguments))


@contextlib.contextmanager
def cluster(folder: pathlib.Path) -> Iterator[Cluster]:
    """Starts a cluster in a new folder, and ends it."""
    with contextlib.ExitStack() as stack:
        yield Cluster(folder, stack)
