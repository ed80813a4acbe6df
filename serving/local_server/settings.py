"""The flags of the local server."""

import dataclasses
import re

from beam_pipelines.commands import flags
from beam_pipelines.commands.flags import flag

MODULE = "serving.local"
PORTS = range(2**16)
LABEL = re.compile(r"([^=/:]+)=([0-9]+)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocalSettings:
    """Serves an export on this machine, for laptops and tests: in production, TensorFlow Serving does.

        python -m serving.local trained --port 8501 --grpc_port 8500

    EXPORT is a version's folder, a folder of versions, or the trainer's output. Of a folder of versions the newest is
    served; the folder is looked at each second, and the version served is unloaded once a newer one can answer, or
    where its own folder is gone. Requests and answers are those of TensorFlow Serving:

        curl -d '{"inputs": ["A masterpiece."]}' http://127.0.0.1:8501/v1/models/reviews:predict
        curl -d '{"signature_name": "explain", "inputs": ["Dull."]}' http://127.0.0.1:8501/v1/models/reviews:predict
        curl http://127.0.0.1:8501/v1/models/reviews

    and over gRPC those of PredictionService and ModelService. http://127.0.0.1:8501/ is a page that scores what is
    pasted there, or a file of up to 5,000 rows, and tells which phrases moved a score. There is neither a password nor
    TLS: what listens beyond this machine (--host) answers whoever reaches it.
    """

    export: str = flags.export_argument()
    host: str = flag("the address to listen at; 0.0.0.0 listens on all interfaces", default="127.0.0.1")
    port: int = flag("the port of REST and the page; 0 picks a free one", default=8501)
    grpc_port: int = flag("the port of gRPC; 0 picks a free one", default=8500)
    model_name: str = flag("the model's name in requests", default="reviews")
    versions: str = flag("serve these and no others, beside each other", default="", metavar="NUMBER,...")
    labels: str = flag("names for versions, such as stable=20260101120000", default="", metavar="LABEL=NUMBER,...")
    max_text_bytes: int = flag("a longer text is refused", default=4 * 2**20)
    max_rows: int = flag("a request with more texts is refused", default=1_024)
    max_request_bytes: int = flag("a larger request is refused before it is read", default=16 * 2**20)
    max_in_flight: int = flag(
        "requests that run or wait, and as many that arrive; beyond, the answer is UNAVAILABLE or 503", default=64
    )

    def __post_init__(self):
        for name in ("port", "grpc_port"):
            if getattr(self, name) not in PORTS:
                raise ValueError(f"--{name} {getattr(self, name)} is not a port: expected 0 to 65535")
        if self.port and self.port == self.grpc_port:
            raise ValueError(f"--port and --grpc_port are both {self.port}: give two ports, or 0 for a free one")
        for name in ("max_text_bytes", "max_rows", "max_request_bytes", "max_in_flight"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)} would refuse every request: expected 1 or more")
        if not re.fullmatch(r"[\w.-]+", self.model_name, re.ASCII):
            raise ValueError(f"--model_name {self.model_name}: expected letters, digits, _, - and .")
        for number in filter(None, self.versions.split(",")):
            if not re.fullmatch("[0-9]+", number):
                raise ValueError(f"--versions {self.versions}: {number} is not the number of a version")
        for label in filter(None, self.labels.split(",")):
            if not LABEL.fullmatch(label):
                raise ValueError(f"--labels {self.labels}: expected LABEL=NUMBER, not {label}")

    @property
    def pinned(self) -> frozenset[int]:
        """The versions that are served; empty where it is the newest."""
        return frozenset(int(number) for number in filter(None, self.versions.split(",")))

    @property
    def numbers_by_label(self) -> dict[str, int]:
        pairs = (label.split("=") for label in filter(None, self.labels.split(",")))
        return {label: int(number) for label, number in pairs}
