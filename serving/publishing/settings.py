"""The flags of `serving.publish`."""

import dataclasses

from beam_pipelines.commands import flags
from beam_pipelines.commands.flags import flag
from serving.checking.gate_settings import GATE_FLAGS, GateSettings

MODULE = "serving.publish"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PublishSettings(GateSettings):
    """Puts a version into the folder that a server watches, and takes it out again.

        python -m serving.publish trained --to /models/reviews --sample 'fresh/*.csv' --keep 3
        python -m serving.publish --to /models/reviews --list
        python -m serving.publish --to /models/reviews --rollback

    A version is published under its own number, whole or not at all, if it passes `serving.check`. With
    --sample it is compared with the version that is live, the newest that a service pins, or where none
    does the newest there: on rated reviews it may not err more, by over two standard errors of the paired
    difference, however far scores move; on unrated ones its scores may not move too far. Without --sample
    only the scale is compared.

    A server that follows the folder takes up the newest version within seconds; --rollback takes that out
    of its sight. A service that serving.configure wrote serves what it pins, which neither --rollback nor
    --keep takes away.

    On an object store nothing can be renamed: there a server may see a version before it is whole, so pin a
    `specific` version in its configuration, and change that when the new one stands.

    The exit status is 0 where all is well, 1 where the version does not pass, and 2 where a flag or a file
    is to be mended.
    """

    export: str | None = flags.export_argument(default=None)
    to: str = flag(
        "the folder of versions that a server watches, local, gs:// or s3://; the trainer's output can be one",
        metavar="DIR",
        is_path=True,
    )
    keep: int | None = flag(
        "then delete all but the newest N versions; what a service pins stays, and what was withdrawn goes with the "
        "versions of its age",
        default=None,
        metavar="N",
    )
    force: str | None = flag(
        "publish even what does not pass; the reason is kept and listed", default=None, metavar="REASON"
    )
    rollback: bool = flag("take the newest version out: the one before is the newest again", default=False)
    list: bool = flag("list the versions: when published, their error, which is live, what pins them", default=False)
    unpin: str | None = flag(
        "forget a service of serving.configure that is no more, by its folder as --list shows it",
        default=None,
        metavar="SERVICE",
        is_path=True,
    )

    def __post_init__(self):
        super().__post_init__()
        actions = {"EXPORT": self.export, "--list": self.list, "--rollback": self.rollback, "--unpin": self.unpin}
        chosen = [name for name, given in actions.items() if given]
        if len(chosen) != 1:
            raise ValueError("give one of EXPORT, --list, --rollback and --unpin")
        if not self.export:
            flags.refuse_unused(self, ["keep", "force", *GATE_FLAGS], f"goes with EXPORT, not with {chosen[0]}")
        if not self.sample:
            flags.refuse_unused(self, GATE_FLAGS, "needs --sample")
        if self.force is not None and not self.force.strip():
            raise ValueError("--force needs a reason, which is kept with the version")
        if self.keep is not None and self.keep < 1:
            raise ValueError(f"--keep {self.keep} would keep no version")
