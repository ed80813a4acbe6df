"""The flags of `serving.configure`."""

import dataclasses
import re

from beam_pipelines.commands.flags import flag

MODULE = "serving.configure"
# A name that a Kubernetes resource, a path and a label can all have (RFC 1123).
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# repository:tag or repository@sha256:digest, whose registry may have a port.
PINNED_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(:[\w.-]+|@sha256:[0-9a-f]{64})", re.ASCII)
URI = re.compile(r"[a-z][a-z0-9+.-]*://[\w.:/@~+-]*[\w~]", re.ASCII)
# A warm-up request that a server refuses fails the load.
WARM_UP_REVIEWS = 32
AUTO, ON, OFF = "auto", "on", "off"


@dataclasses.dataclass(frozen=True)
class ConfigureSettings:
    """Writes what it takes to run an export in TensorFlow Serving: its configuration, and how to start it.

    The folder then holds models.config, batching.config and monitoring.config, which TensorFlow Serving
    reads; compose.yaml, a Dockerfile, kubernetes.yaml and kserve.yaml, which start it; nginx.conf, an
    example of what to put in front of it; and README.md, which tells how to use each. All pin the version
    that --export names, with the label "stable"; with --canary a second version of the same folder runs
    beside it, with the label "canary". KServe has no labels: kserve.yaml names the version that is rolled
    out, and its share.

    In the folder of the versions, pinned.json then tells serving.publish what this service needs; when the
    service is no more, serving.publish --to FOLDER --unpin OUTPUT takes it out again.

    Example:
      python -m serving.configure --export trained --output service
      docker compose --file service/compose.yaml up --detach --wait
    """

    export: str = flag("a version, a folder of versions, or the trainer's output", is_path=True)
    output: str = flag("the folder of the files", is_path=True)
    model_name: str = flag("the name that clients ask for, of lower-case letters, digits and -", default="reviews")
    canary: int | None = flag("the number of a second version beside the first one, to be tried", default=None)
    canary_percent: int = flag(
        "the share of requests that the canary answers: by nginx.conf, of REST requests that name neither a label nor "
        "a version; by kserve.yaml, of all",
        default=10,
        metavar="PERCENT",
    )
    drain_canary: bool = flag("send the canary no requests, so that it can be let go", default=False)
    # The newest one that the maintainers name (https://github.com/tensorflow/serving/issues/4129).
    image: str = flag("TensorFlow Serving's image, pinned by version or digest", default="tensorflow/serving:2.20.0")
    baked_image: str = flag(
        "the name of the image that the Dockerfile makes and kubernetes.yaml runs, with the registry before it "
        "(default: the model's name and version)",
        default="",
    )
    storage: str = flag(
        "for kserve.yaml: where versions lie, each in a folder of its own, as STORAGE/VERSION/VERSION",
        default="s3://YOUR-BUCKET/reviews",
    )
    rest_port: int = flag("the port of REST on this machine's loopback, in compose.yaml and nginx.conf", default=8501)
    grpc_port: int = flag("the same for gRPC", default=8500)
    proxy_port: int = flag("where nginx.conf listens", default=8443)
    cpus: int = flag("the cores of a server", default=2)
    memory_mib: int | None = flag(
        "its memory limit, in all files (default: by the size of the export)", default=None, metavar="MIB"
    )
    replicas: int = flag("the servers of kubernetes.yaml and kserve.yaml, at least", default=2)
    batching: str = flag(
        "whether the server gathers requests into batches; auto: for an LSTM", default=AUTO, choices=(AUTO, ON, OFF)
    )
    max_batch_size: int = flag(
        "with batching, the most reviews of a request, at least 32; a larger request is refused", default=1000
    )
    max_execution_batch_size: int = flag("with batching, the reviews that are scored together", default=8)
    overwrite: bool = flag("delete what this command wrote there before", default=False)

    def __post_init__(self):
        if not DNS_LABEL.fullmatch(self.model_name):
            raise ValueError(
                f"--model_name {self.model_name}: give at most 63 lower-case letters, digits and -, a letter first"
            )
        for name in ("image", "baked_image"):
            image = getattr(self, name)
            if image and (not PINNED_IMAGE.fullmatch(image) or image.endswith(":latest")):
                raise ValueError(
                    f"--{name} {image}: pin a version, as in tensorflow/serving:2.20.0, or another server may start "
                    "tomorrow"
                )
        if not URI.fullmatch(self.storage):
            raise ValueError(
                f"--storage {self.storage}: give an address such as s3://bucket/reviews or pvc://claim/path"
            )
        if self.max_execution_batch_size > self.max_batch_size:
            raise ValueError(
                f"--max_execution_batch_size {self.max_execution_batch_size}: give at most --max_batch_size, "
                f"{self.max_batch_size}"
            )
        if not 0 <= self.canary_percent <= 100:
            raise ValueError(f"--canary_percent {self.canary_percent}: give a number from 0 to 100")
        if self.max_batch_size < WARM_UP_REVIEWS:
            raise ValueError(
                f"--max_batch_size {self.max_batch_size}: give at least {WARM_UP_REVIEWS}, the reviews of an export's "
                "largest warm-up request, or a server refuses that and with it the export"
            )
        for name in ("cpus", "memory_mib", "replicas", "max_execution_batch_size"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)}: give at least 1")
        ports = (self.rest_port, self.grpc_port, self.proxy_port)
        if len(set(ports)) < 3 or not all(0 < port < 65536 for port in ports):
            raise ValueError("--rest_port, --grpc_port and --proxy_port: give three different ports from 1 to 65535")
