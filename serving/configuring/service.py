"""What the files say of a service: the versions that it runs, and what a server of them needs."""

import dataclasses
import math
import os
import shlex
import sys

from beam_pipelines.artifacts import exports
from beam_pipelines.commands import flags
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from serving.configuring import memory
from serving.configuring.settings import AUTO, MODULE, ON, ConfigureSettings

# Models whose single reviews are scored faster in batches.
PAYS_IN_BATCHES = ("lstm", "notebook_lstm")
# After so long a request is given up, by the server and by the proxy.
TIMEOUT_S = 30


@dataclasses.dataclass(frozen=True)
class Service:
    """A service of one or two versions of a model.

    Attributes:
      settings: The flags.
      stable: The version that the label "stable" names.
      canary: That of "canary", if there is one.
      sizes: Bytes of the versions in their order.
    """

    settings: ConfigureSettings
    stable: exports.Export
    canary: exports.Export | None
    sizes: list[int]

    @property
    def versions(self) -> list[exports.Export]:
        return [self.stable] if self.canary is None else [self.stable, self.canary]

    @property
    def labels(self) -> dict[str, int]:
        return dict(zip(("stable", "canary"), (export.version for export in self.versions), strict=False))

    @property
    def folder(self) -> str:
        """The folder of the versions."""
        return os.path.dirname(self.stable.path)

    @property
    def canary_percent(self) -> int:
        """The share of requests that the canary answers now; 0 without one."""
        return 0 if self.canary is None or self.settings.drain_canary else self.settings.canary_percent

    @property
    def baked_image(self) -> str:
        tag = "-".join(str(export.version) for export in self.versions)
        return self.settings.baked_image or f"{self.settings.model_name}:{tag}"

    @property
    def batching(self) -> bool:
        """Whether requests are gathered into batches."""
        if self.settings.batching == AUTO:
            return any(export.info.model in PAYS_IN_BATCHES for export in self.versions)
        return self.settings.batching == ON

    @property
    def arguments(self) -> list[str]:
        """Those of `tensorflow_model_server`, whose files lie in /config and /models."""
        cpus = self.settings.cpus
        batching = ["--enable_batching=true", "--batching_parameters_file=/config/batching.config"]
        return [
            "--port=8500",
            "--rest_api_port=8501",
            f"--rest_api_timeout_in_ms={1000 * TIMEOUT_S}",
            "--model_config_file=/config/models.config",
            "--monitoring_config_file=/config/monitoring.config",
            "--allow_version_labels_for_unavailable_models=true",
            f"--tensorflow_intra_op_parallelism={cpus}",
            f"--tensorflow_inter_op_parallelism={cpus}",
            f"--rest_api_num_threads={4 * cpus}",
            # Without a free thread, REST lets a request wait, and gRPC refuses it. Most of them wait for a core.
            f"--grpc_max_threads={16 * cpus}",
            *(batching if self.batching else []),
        ]

    def command(self, stable: str, canary: str = "", *, drain_canary: bool = False) -> str:
        """The command that writes these files anew for other versions, which the reader puts in the place of words."""
        settings = dataclasses.replace(
            self.settings,
            export=f"{self.folder}/{stable}",
            output=".",
            canary=None,
            drain_canary=drain_canary,
            overwrite=True,
        )
        chosen = ["--canary", canary] if canary else []
        return shlex.join([sys.executable, "-m", MODULE, *flags.as_arguments(settings), *chosen])

    @property
    def rolled_out(self) -> exports.Export:
        """The version that is rolled out now: the canary, if there is one."""
        return self.versions[-1]

    @property
    def compose_memory_mib(self) -> int:
        """The memory limit of a server whose versions change: a new one is loaded beside the old one."""
        return self.settings.memory_mib or self.computed_memory_mib

    @property
    def pod_memory_mib(self) -> int:
        """That of one whose versions stay."""
        return self._memory_mib(self.sizes)

    @property
    def kserve_memory_mib(self) -> int:
        """That of one that holds the version alone that is rolled out."""
        return self._memory_mib(self.sizes[-1:])

    def _memory_mib(self, sizes: list[int]) -> int:
        return self.settings.memory_mib or memory.limit_mib(sizes, self.settings.cpus)

    @property
    def computed_memory_mib(self) -> int:
        """What the limit would be without the flag: the same beside a canary as before it, if both are as large."""
        return memory.limit_mib([self.sizes[0], self.sizes[-1]], self.settings.cpus)

    @property
    def max_enqueued_batches(self) -> int:
        """Two of the largest requests: what waits behind them is better answered "try again" than late."""
        return 2 * math.ceil(self.settings.max_batch_size / self.settings.max_execution_batch_size)


def find(settings: ConfigureSettings) -> Service:
    """Finds the versions that a service is to run.

    Raises:
      UserError: There is no such version, it lies on an object store, or a server may not read it.
    """
    stable = exports.find(settings.export, "--export")
    if not storage.is_local(stable.path):
        raise UserError(
            f"--export {settings.export} lies on an object store; copy the version to a folder of this machine"
        )
    canary = None if settings.canary is None else _canary(settings, stable)
    service = Service(settings, stable, canary, [])
    for export in service.versions:
        for name in export.info.changed_files(export.path):
            raise UserError(f"{export.path}/{name} is not the file that was exported; export or publish it anew")
    return dataclasses.replace(service, sizes=[_readable_bytes(export.path) for export in service.versions])


def _canary(settings: ConfigureSettings, stable: exports.Export) -> exports.Export:
    versions = os.path.dirname(stable.path)
    if settings.canary == stable.version:
        raise UserError(
            f"--canary {settings.canary} is the version that --export {settings.export} means too; name the stable "
            f"one, as in --export {versions}/VERSION"
        )
    return exports.find(f"{versions}/{settings.canary}", "--canary")


def _readable_bytes(folder: str) -> int:
    """The bytes of a version, all of which an unprivileged server has to read, from the folder of the versions on.

    Raises:
      UserError: It may not.
    """
    versions, total = os.path.dirname(folder), 0
    _refuse_unreadable(versions, 0o005, f"chmod o+rx {versions}")
    for parent, _, names in os.walk(folder):
        _refuse_unreadable(parent, 0o005, f"chmod -R o+rX {folder}")
        for name in names:
            total += _refuse_unreadable(os.path.join(parent, name), 0o004, f"chmod -R o+rX {folder}").st_size
    return total


def _refuse_unreadable(path: str, wanted: int, remedy: str) -> os.stat_result:
    status = os.stat(path)
    if status.st_mode & wanted != wanted:
        raise UserError(f"{path} cannot be read by the server, which has no privileges: {remedy}")
    return status
