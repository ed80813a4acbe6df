"""The flags of `serving.check`."""

import dataclasses

from beam_pipelines.commands import flags
from beam_pipelines.commands.flags import flag
from serving.checking.gate_settings import GATE_FLAGS, GateSettings
from serving.checking.server_settings import SERVER_FLAGS, ServerSettings

MODULE = "serving.check"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckSettings(ServerSettings, GateSettings):
    """Checks that an export is fit to serve: it loads with TensorFlow alone and answers as it did.

        python -m serving.check trained/export/reviews/20260101120000
        python -m serving.check trained --against /models/reviews --sample 'fresh/*.csv'
        python -m serving.check trained --server 127.0.0.1:8501

    The export is copied to an empty folder and loaded there by a process that imports nothing but
    TensorFlow. Its files must be those that were exported, and the scores that each signature gives for the
    fixed texts must be those in `assets.extra/reviews.json`. Its warm-up is replayed, and requests with
    reviews as long as those that it learned from are timed.

    With --server, a live server is asked for the fixed texts instead, over REST and gRPC, and timed.

    With --against, the same reviews are scored here with an older version too, whatever --server is, and
    the check fails where scores move too far: it is the gate before a model that others rely on is
    replaced. Where the sample is rated, both errors are told, but a better model moves scores as well:
    serving.publish judges a rated sample by its errors alone.

    The exit status is 0 where all is well, 1 where the export or the server does not pass, and 2 where a
    flag or a file is to be mended.
    """

    export: str = flags.export_argument()
    tokens: int | None = flag(
        "the length of the timed reviews (default: the median of those that it learned from)", default=None, metavar="N"
    )
    verbose: bool = flag("also list inputs, outputs and operations", default=False)
    against: str | None = flag(
        "the model that it would replace; of a folder that serving.publish fills, the version that is live",
        default=None,
        metavar="OLD",
        is_path=True,
    )
    report: str | None = flag(
        "with --against, write what moved, with the ten reviews that moved furthest, to an HTML file",
        default=None,
        metavar="FILE",
        is_path=True,
    )

    def __post_init__(self):
        super().__post_init__()
        if self.grpc_port not in range(2**16):
            raise ValueError(f"--grpc_port {self.grpc_port} is not a port: expected 0 to 65535")
        if self.tokens is not None and self.tokens < 1:
            raise ValueError(f"--tokens {self.tokens} must be at least 1")
        if bool(self.against) != bool(self.sample):
            raise ValueError("--against OLD and --sample ARCHIVE go together")
        if not self.against:
            flags.refuse_unused(self, ["report", *GATE_FLAGS], "needs --against and --sample")
        if self.server is None:
            flags.refuse_unused(self, SERVER_FLAGS, "needs --server")
        elif self.verbose:
            raise ValueError("--verbose tells of an export; it has no use with --server")
