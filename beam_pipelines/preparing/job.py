"""A preprocess job that can begin: all that could be wrong with it before has been looked at."""

import dataclasses
import shlex
from typing import Any

from beam_pipelines.archive import input_columns, inputs, look, positions, rejects
from beam_pipelines.archive.extents import Sizes
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands import flags, job_folder
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage
from beam_pipelines.preparing.embeddings import word_vectors
from beam_pipelines.preparing.reviews import RatingRules
from beam_pipelines.preparing.settings import CHOOSE, COUNT, EXAMPLES, MODULE, PreprocessSettings
from beam_pipelines.preparing.splits import SplitShares
from beam_pipelines.preparing.unrated_reviews import UnratedRules

# What the first reading leaves for the rest of the job; it goes when that is done.
COUNTED = "counted"
# The list of the files of --unrated.
UNRATED_INPUTS = "unrated_inputs.parquet"
# What follows the last phase.
FINISH = "finish"
# What the job may write, as patterns; with --overwrite it deletes these files and no others.
OUTPUTS = [
    *(prepared.example_shard(split, "*") for split in prepared.SPLITS),
    f"{prepared.TRANSFORM}/*",
    rejects.REJECTED.format(extent="*"),
    prepared.VECTORS,
    prepared.STATISTICS,
    inputs.INPUTS,
    prepared.example_shard(prepared.UNRATED, "*"),
    UNRATED_INPUTS,
    f"{COUNTED}/*",
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundArchive:
    """An archive that is there.

    Attributes:
      found: Its files.
      read_options: How it is read.
    """

    found: list[FoundFile]
    read_options: ReadOptions

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.found)

    @property
    def index_digits(self) -> int:
        """How many digits the index of a file has in the names of extents."""
        return positions.digits(len(self.found))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unrated(FoundArchive):
    """The archive of --unrated.

    Attributes:
      rules: Where a row holds its text and its teacher's score.
    """

    rules: UnratedRules


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(FoundArchive):
    """What is read, how, and where the prepared folder shall be.

    Attributes:
      settings: The flags.
      rules: Where a row holds its text and its score.
      shares: How the reviews are divided.
      folder: The output.
      unrated: The archive of --unrated; None without it.
    """

    settings: PreprocessSettings
    rules: RatingRules
    shares: SplitShares
    folder: str
    unrated: Unrated | None = None

    @classmethod
    def of(cls, settings: PreprocessSettings) -> "Job":
        """Looks at the archives and the vectors.

        Raises:
          UserError: Something in the settings or the archive is to be mended.
        """
        folder = storage.absolute(settings.output)
        if settings.finish or settings.phase in (CHOOSE, EXAMPLES):
            _check_goes_on(folder, settings)
        found = _find(settings, folder)
        unrated = _unrated(settings, folder) if settings.unrated else None
        if settings.embeddings and not settings.finish:
            word_vectors.check(settings.embeddings)
        shares = SplitShares(
            test=settings.test_share, validation=settings.validation_share, sample=settings.sample_share
        )
        return cls(
            settings=settings,
            found=found,
            read_options=ReadOptions.of(
                settings,
                columns=settings.columns,
                sizes=Sizes.of(sum(file.size_bytes for file in found)),
                nullable=tuple(name for name in (settings.text_column, settings.score_column) if name),
            ),
            rules=rating_rules(settings),
            shares=shares,
            folder=folder,
            unrated=unrated,
        )

    @property
    def counted(self) -> str:
        """The folder of what the first reading leaves for the rest of the job."""
        return storage.join(self.folder, COUNTED)

    @property
    def counted_unrated(self) -> str:
        """The folder of what it leaves of the unrated texts."""
        return storage.join(self.counted, prepared.UNRATED)

    @property
    def goes_on(self) -> bool:
        """Whether it goes on with what an earlier phase has left."""
        return self.settings.finish or self.settings.phase in (CHOOSE, EXAMPLES)

    def claim(self) -> None:
        """Takes the output folder."""
        unrated = self.unrated.found if self.unrated else []
        job_folder.claim(
            self.folder,
            job_folder.manifest(MODULE, self.settings, OUTPUTS, fingerprint=self._fingerprint()),
            overwrite=self.settings.overwrite,
            reads=[file.path for file in [*self.found, *unrated]],
            resume=self.goes_on,
            goes_on_by=f"--phase {self.settings.phase}" if self.goes_on else "",
            more_differences=self._changed_files,
        )
        if not self.goes_on:
            inputs.write(self.folder, self.found)
            if self.unrated:
                inputs.write(self.folder, unrated, UNRATED_INPUTS)

    def _fingerprint(self) -> dict[str, Any]:
        """What tells another job from this one, whose phases go on with each other."""
        fingerprint = {"settings": self.settings.outcome, **_sizes(self.read_options)}
        return {**fingerprint, "unrated": _sizes(self.unrated.read_options)} if self.unrated else fingerprint

    def _changed_files(self) -> list[str]:
        """Tells in words which files are others than when the job began."""
        changed = [*inputs.differences(inputs.read(self.folder), self.found)]
        if self.unrated:
            changed += inputs.differences(_listed_unrated(self.folder), self.unrated.found)
        return list(dict.fromkeys(changed))

    def command_after(self, then: str) -> str:
        """The command of the phase that follows, or with `FINISH` of what is written last."""
        changes: dict[str, Any] = {"phase": None, "finish": True} if then == FINISH else {"phase": then}
        wanted = dataclasses.replace(self.settings, no_wait=False, overwrite=False, **changes)
        return shlex.join(["review-scorer", "preprocess", *flags.as_arguments(wanted)])

    def clear_counted(self) -> None:
        """Deletes what the first reading has left."""
        storage.delete_folder(self.counted)


def _find(settings: PreprocessSettings, folder: str) -> list[FoundFile]:
    if _reads_no_archive(settings):
        return inputs.read(folder)
    archive = look.look(settings)
    input_columns.require(archive.columns, settings.columns)
    return archive.found


def _unrated(settings: PreprocessSettings, folder: str) -> Unrated:
    """Looks at the archive of --unrated, whose rows need no name of their own."""
    if _reads_no_archive(settings):
        found = _listed_unrated(folder)
    else:
        archive = look.look(settings, "unrated")
        required = tuple(name for name in settings.unrated_columns if name != settings.id_column)
        input_columns.require(archive.columns, required, "--unrated")
        found = archive.found
    return Unrated(
        found=found,
        read_options=ReadOptions.of(
            settings,
            columns=settings.unrated_columns,
            sizes=Sizes.of(sum(file.size_bytes for file in found)),
            nullable=tuple(name for name in (settings.text_column, settings.teacher_column) if name),
            optional=tuple(name for name in (settings.id_column,) if name),
        ),
        rules=UnratedRules(
            text_column=settings.text_column,
            scale=Scale(settings.score_min, settings.score_max),
            id_column=settings.id_column,
            teacher_column=settings.teacher_column,
            unrated_values=settings.scores_for_none,
        ),
    )


def _reads_no_archive(settings: PreprocessSettings) -> bool:
    """Whether a phase goes on with what others have read."""
    return settings.finish or settings.phase == CHOOSE


def _listed_unrated(folder: str) -> list[FoundFile]:
    """The files of --unrated as the job began; none where it began without."""
    has_list = storage.exists(storage.join(folder, UNRATED_INPUTS))
    return inputs.read(folder, UNRATED_INPUTS) if has_list else []


def _sizes(options: ReadOptions) -> dict[str, int]:
    return {"block_bytes": options.block_bytes, "extent_bytes": options.extent_bytes}


def _check_goes_on(folder: str, settings: PreprocessSettings) -> None:
    """Looks for what a later phase goes on with.

    Raises:
      UserError: There is nothing, or all is done.
    """
    given = "--finish" if settings.finish else f"--phase {settings.phase}"
    manifest = job_folder.read(folder)
    has_begun = manifest and job_folder.RECLAIMABLE not in manifest
    if not has_begun or not storage.exists(storage.join(folder, inputs.INPUTS)):
        raise UserError(f"{given}: no job has begun in --output {folder}; begin one with --phase {COUNT}")
    if storage.exists(storage.join(folder, prepared.STATISTICS)):
        raise UserError(f"{given}: the job in --output {folder} has ended; --overwrite begins one anew")


def rating_rules(settings: PreprocessSettings) -> RatingRules:
    """The flags that say where a row holds its text and its score."""
    return RatingRules(
        text_column=settings.text_column,
        scale=Scale(settings.score_min, settings.score_max),
        score_column=settings.score_column,
        title_column=settings.title_column,
        score_pattern=settings.score_pattern,
        title_groups=settings.title_groups,
        id_column=settings.id_column,
        split_column=settings.split_column,
        unrated_values=settings.scores_for_none,
    )
