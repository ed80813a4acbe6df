"""Adds up all that a scoring job has written once more, and says whether it is whole.

python -m beam_pipelines.verify scored
"""

import dataclasses

from beam_pipelines.commands import entry, flags
from beam_pipelines.errors import UserError

AFTER_INTERRUPTION = "the same command begins anew"
MODULE = "beam_pipelines.verify"
SHOWN_FAULTS = 20
# The exit status of what is not whole.
NOT_WHOLE = 1


@dataclasses.dataclass(frozen=True)
class VerifySettings:
    """Adds up all that a scoring job has written once more, and says whether it is whole.

        python -m beam_pipelines.verify scored

    Each shard and each file of rejects must be what was written, as the statistics beside it say; together
    they must cover the archive without a gap, and sum up to `summary.json`.
    """

    output: str = flags.argument("the folder of a scoring job")


def main(argv: list[str] | None = None, program: str = f"python -m {MODULE}") -> int:
    settings, others = flags.parse(VerifySettings, program, argv)
    flags.refuse_unknown(others, VerifySettings, program)
    output = settings.output
    from beam_pipelines.scoring import verification

    verified = verification.verify(output)
    for fault in verified.faults[:SHOWN_FAULTS]:
        print(fault)
    if verified.faults:
        more = f" (of {len(verified.faults):,} faults, the first are named)" if verified.faults[SHOWN_FAULTS:] else ""
        raise UserError(
            f"{output} is not whole{more}; the job's own command with --resume mends what is missing or damaged "
            "(with --add what was interrupted, where files are new)",
            status=NOT_WHOLE,
        )
    statistics = verified.totals.statistics
    print(
        f"{output} is whole: {verified.totals.extents:,} extents, {statistics.rows_read:,} rows read, "
        f"{statistics.rows_scored:,} scored, {statistics.rows_rejected:,} rejected"
    )
    return 0


if __name__ == "__main__":
    entry.run_command(main, after_interruption=AFTER_INTERRUPTION)
