"""The worker processes of `--direct_running_mode multi_processing`, watched: one that dies ends the job.

Beam (2.77) waits for its answer for good.
"""

import os
import signal
import subprocess
import sys
import threading
import time

from apache_beam.options import pipeline_options
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from google.protobuf import json_format, text_format

from beam_pipelines.compiling import threads

# What an error that Beam hands on begins with, where it is of a process that has ended.
ENDED = "review_scorer.WorkerProcessEnded "
_MODULE = "apache_beam.runners.worker.sdk_worker_main"
# So long a process that has been told to end may take.
_SECONDS_TO_END = 30
_pipeline_options = "{}"
_share_of_cores: dict[str, str] = {}


def watch(options: pipeline_options.PipelineOptions) -> None:
    """Has Beam start the worker processes of the pipeline that is run next by `WatchedProcess`.

    Args:
      options: Those of the pipeline. Beam (2.77) does not hand them on to worker processes, so that such as
        --s3_endpoint_url would be lost.
    """
    global _pipeline_options, _share_of_cores
    # Of 0, Beam makes one for each core.
    processes = options.view_as(pipeline_options.DirectOptions).direct_num_workers or os.cpu_count() or 1
    _share_of_cores = threads.environment_of_share(processes)
    given = options.get_all_options(drop_default=True)
    _pipeline_options = json_format.MessageToJson(JobServiceHandle.encode_pipeline_options(given))
    worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(WatchedProcess)


class WatchedProcess(worker_handlers.GrpcWorkerHandler):
    """Starts a worker process as Beam does, and ends the job with the process."""

    def __init__(self, command: bytes, state, provision_info, grpc_server):
        super().__init__(state, provision_info, grpc_server)
        self._stopping = False
        self._last_line = ""

    def start_worker(self) -> None:
        command = [sys.executable, "-m", _MODULE]
        environment = {**_share_of_cores, **os.environ, **self._environment()}
        # What a worker raises, Beam prints too; and TensorFlow tells of the GPU that there is not.
        self._process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, name=f"read {self.worker_id}", daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, name=f"wait for {self.worker_id}", daemon=True).start()

    def _environment(self) -> dict[str, str]:
        return {
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(self.control_api_service_descriptor()),
            "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(self.logging_api_service_descriptor()),
            "PIPELINE_OPTIONS": _pipeline_options,
            "WORKER_ID": self.worker_id,
        }

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self._last_line = line.strip() or self._last_line

    def _wait(self) -> None:
        status = self._process.wait()
        if self._stopping:
            return
        # Whatever it has started may hold its pipe open.
        self._reader.join(timeout=1)
        error = ENDED + _why(status, self._last_line)
        control = self._grpc_server.control_handler
        # A request may just be on its way, so it is done twice.
        for pause in (1, 0):
            for worker in list(control._worker_manager._workers_by_id.values()):
                worker.abandon(error)
            time.sleep(pause)

    def abandon(self, error: str) -> None:
        """Ends the process, and answers all that it was asked, and will be, with an error."""
        self._stopping = True
        self._process.kill()
        push = self.control_conn.push

        def answer(request):
            if request is worker_handlers.BeamFnControlServicer._DONE_MARKER:
                return push(request)
            return worker_handlers.ControlFuture(request.instruction_id, _failed(request.instruction_id, error))

        self.control_conn.push = answer  # type: ignore[method-assign]
        for instruction, future in list(self.control_conn._futures_by_id.items()):
            future.set(_failed(instruction, error))

    def stop_worker(self) -> None:
        """Waits for the process, which has been told to end; one still at work is killed: the job was interrupted."""
        self._stopping = True
        try:
            self._process.wait(timeout=0 if self.control_conn._futures_by_id else _SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _failed(instruction: str, error: str) -> beam_fn_api_pb2.InstructionResponse:
    return beam_fn_api_pb2.InstructionResponse(instruction_id=instruction, error=error)


def _why(status: int, last_line: str) -> str:
    """What ended a process, in words.

    >>> _why(-11, "I0000 no GPU"), _why(1, "ValueError: no number")
    ('SIGSEGV', 'status 1: ValueError: no number')
    """
    if status >= 0:
        return f"status {status}: {last_line}"
    name = signal.Signals(-status).name
    hint = ", as when memory runs out; fewer --direct_num_workers take less of it"
    return name + hint if name == "SIGKILL" else name


def ending_of(error_text: str) -> str | None:
    """What ended a worker process, of an error that this module has handed to Beam; None of any other."""
    _, is_ours, ending = error_text.partition(ENDED)
    return ending.splitlines()[0] if is_ours else None
