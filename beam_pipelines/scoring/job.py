"""A scoring job that can begin: all that could be wrong with it before has been looked at."""

import dataclasses
import shlex
from typing import Any

import pyarrow as pa

from beam_pipelines.archive import input_columns, inputs, look, positions
from beam_pipelines.archive.extents import Sizes
from beam_pipelines.archive.finding import found_files
from beam_pipelines.archive.finding.found_files import FoundFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.artifacts import exports
from beam_pipelines.artifacts.exports import Export
from beam_pipelines.commands import flags, job_folder
from beam_pipelines.errors import UserError, logger
from beam_pipelines.files import storage
from beam_pipelines.scoring import carried_columns, wanted_columns
from beam_pipelines.scoring.carried_columns import CarriedColumn
from beam_pipelines.scoring.engines.server_options import ServerOptions
from beam_pipelines.scoring.settings import MODULE, ScoreSettings
from beam_pipelines.scoring.shards import Shards
from beam_pipelines.scoring.summary import job_summary, job_totals

# What a manifest says of whose it is.
COMMAND = MODULE
OUTPUTS = [inputs.INPUTS, *job_totals.OUTPUTS, job_summary.SUMMARY, job_summary.REPORT]


@dataclasses.dataclass(frozen=True)
class Job:
    """What is scored, with which model, and where to.

    Attributes:
      settings: The flags.
      found: The files of the archive.
      read_options: How it is read.
      carried: The columns that are carried along.
      export: The model.
      folder: The output.
      server: What scores in the place of this machine.
      rounds: The index of the first file of each round; with `--add`, an archive grows by one.
      first: The index of the first file that is to be scored; with `--add`, what comes before has been.
      goes_on: Whether an earlier run has begun to score these files.
      begins_anew: Whether what it has written of those from the first one on is of other files.
    """

    settings: ScoreSettings
    found: list[FoundFile]
    read_options: ReadOptions
    carried: tuple[CarriedColumn, ...]
    export: Export
    folder: str
    server: ServerOptions | None = None
    rounds: tuple[int, ...] = (0,)
    first: int = 0
    goes_on: bool = False
    begins_anew: bool = False

    @classmethod
    def of(cls, settings: ScoreSettings) -> "Job":
        """Looks at the archive and at the model.

        Raises:
          UserError: Something in the settings or the archive is to be mended.
        """
        folder = storage.absolute(settings.output)
        archive = look.look(settings)
        earlier = EarlierJob.of(folder) if settings.add or settings.resume else None
        present = [name for file_columns in archive.columns.values() for name in file_columns.names]
        if earlier and carried_columns.wants_all(settings.keep_columns):
            # All shards have the columns of the first ones, in their order.
            present = list(earlier.carried)
        known_types = earlier.carried if earlier and settings.add else {}
        carried = carried_columns.check_types(wanted_columns.carried(settings, present), archive.columns, known_types)
        sizes = earlier.sizes if earlier else Sizes.of(archive.size_bytes)
        read_options = wanted_columns.read_options(settings, carried, sizes)
        wanted = [name for name in read_options.columns if name not in read_options.optional]
        input_columns.require(archive.columns, tuple(wanted))
        export = exports.find(settings.model)
        job = cls(
            settings=settings,
            found=archive.found,
            read_options=read_options,
            carried=carried,
            export=export,
            folder=folder,
            server=settings.server_options(export.version),
        )
        return earlier.continued(job) if earlier else job

    @property
    def is_done(self) -> bool:
        """Whether all files have been scored before, so that there is nothing to add."""
        return self.goes_on and self.first == len(self.found)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.found[self.first :])

    @property
    def shards(self) -> Shards:
        """Where what is written for an extent lies."""
        # A first round decides for those that follow.
        files_at_first = self.rounds[1] if len(self.rounds) > 1 else len(self.found)
        return Shards.of_job(self.folder, self.settings.output_format, self.fingerprint, files_at_first)

    @property
    def finishing_command(self) -> str:
        """The command that writes the summary when the job has ended elsewhere."""
        changes: dict[str, Any] = dict.fromkeys(("no_wait", "resume", "overwrite", "add"), False)
        wanted = dataclasses.replace(self.settings, finish=True, **changes)
        return shlex.join(["review-scorer", "score", *flags.as_arguments(wanted)])

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What decides what stands in the shards: a job with an equal one writes equal shards."""
        return {
            "model_version": self.export.version,
            "model_digest": self.export.info.digest,
            "settings": self.settings.outcome,
            "columns": list(self.read_options.columns),
            "carried": {column.source: str(column.stored_type) for column in self.carried},
            "block_bytes": self.read_options.block_bytes,
            "extent_bytes": self.read_options.extent_bytes,
        }

    def manifest(self) -> dict[str, Any]:
        """What the output folder says of the job."""
        outputs, rounds = [*self.shards.outputs, *OUTPUTS], list(self.rounds)
        return job_folder.manifest(
            MODULE,
            self.settings,
            outputs,
            fingerprint=self.fingerprint,
            carried_types=carried_columns.write_types(self.carried),
            rounds=rounds,
            **({"server": dataclasses.asdict(self.server)} if self.server else {}),
        )

    def claim(self) -> None:
        """Takes the output folder, or goes on in it."""
        job_folder.claim(
            self.folder,
            self.manifest(),
            overwrite=self.settings.overwrite,
            resume=self.settings.resume or self.settings.add,
            goes_on_by="--add" if self.settings.add else "--resume",
            reads=[self.export.path, *(file.path for file in self.found)],
            more_differences=self._input_differences,
        )

    def list_inputs(self) -> None:
        """Writes which files are scored; from now on they are of the job."""
        if self.begins_anew:
            self.shards.delete_from(self.first)
        if self.settings.add:
            # Before the list: a round without files does no harm, should the job be stopped here.
            job_folder.update_manifest(self.folder, rounds=list(self.rounds))
        inputs.write(self.folder, self.found)

    def _input_differences(self) -> list[str]:
        """How the inputs differ from those that the job in the folder had."""
        if self.settings.add:
            return []  # What is not in its list is new, and what is another was refused.
        try:
            before = inputs.read(self.folder)
        except FileNotFoundError:
            return []  # It was stopped before it began to read.
        return [
            f"{difference} (--add scores it too)" if difference.endswith(" is new") else difference
            for difference in inputs.differences(before, self.found)
        ]


@dataclasses.dataclass(frozen=True)
class EarlierJob:
    """What a job goes on with.

    Attributes:
      found: The files that it had.
      rounds: The index of the first file of each round.
      carried: The columns that it carries along, in their order, with their types.
      sizes: How its archive was cut.
    """

    found: list[FoundFile]
    rounds: tuple[int, ...]
    carried: dict[str, pa.DataType]
    sizes: Sizes

    @classmethod
    def of(cls, folder: str) -> "EarlierJob | None":
        """Reads what a job has left in its folder; None where there is none to go on with."""
        manifest = job_folder.read(folder)
        if not manifest or manifest["command"] != MODULE or job_folder.RECLAIMABLE in manifest:
            return None
        fingerprint = manifest.get("fingerprint", {})
        try:
            return cls(
                found=inputs.read(folder),
                rounds=tuple(manifest["rounds"]),
                carried=carried_columns.read_types(manifest["carried_types"]),
                sizes=Sizes(fingerprint["block_bytes"], fingerprint["extent_bytes"]),
            )
        except (FileNotFoundError, KeyError):
            return None

    def continued(self, job: Job) -> Job:
        """A job that goes on with this one, or adds to it.

        Raises:
          UserError: Nothing can be added.
        """
        if job.settings.add:
            return self._grown(job)
        now = {file.source: file for file in job.found}
        if now.keys() != {file.source for file in self.found}:
            return job  # The claim of the folder tells what differs.
        # Files that were added later stand behind those before, whatever their names.
        ordered = [dataclasses.replace(now[file.source], index=file.index, name=file.name) for file in self.found]
        return dataclasses.replace(job, found=ordered, rounds=self.rounds, goes_on=True)

    def _grown(self, job: Job) -> Job:
        """The job of what is not scored yet: what an interrupted run has left, and behind it the files that are new.

        Raises:
          UserError: A file has changed that was scored, or there are more than names of shards have room for.
        """
        first = job_totals.count_finished(job_totals.read_totals(job.folder))
        scored, left = self.found[:first], self.found[first:]
        if left and job_folder.is_submitted(job.folder):
            raise UserError(
                f"--add: a cluster may still be at the job in {job.folder}: --finish it when it has ended, or go on "
                "with --resume where it has failed"
            )
        now = {file.source: file for file in job.found}
        for file in scored:
            if _is_changed(file, now):
                raise UserError(f"--add: {file.label} has changed since it was scored; begin anew with --overwrite")
            if file.members != now.get(file.source, file).members:
                raise UserError(f"--add: other members of {file.label} were scored; score these into another folder")
        begins_anew = any(_is_changed(file, now) or _is_gone(file, now) for file in left)
        if begins_anew:
            logger.warning("files have changed or gone since the job was interrupted: what it had left is begun anew")
            left = []
        known = {file.source for file in scored + left}
        new = found_files.added(self.found[0], len(known), [file for file in job.found if file.source not in known])
        rounds = [begin for begin in self.rounds if begin <= first or not begins_anew]
        grown = dataclasses.replace(
            job,
            found=[*scored, *left, *new],
            # A run that was stopped early may have begun the round.
            rounds=tuple(dict.fromkeys([*rounds, len(known)] if new else rounds)),
            first=first,
            goes_on=True,
            begins_anew=begins_anew,
        )
        digits = grown.shards.index_digits
        if positions.digits(len(grown.found)) > digits:
            raise UserError(
                f"--add: the names of the shards in {job.folder} have room for {10**digits:,} files, in their order; "
                "score the new ones into another folder"
            )
        return grown


def _is_changed(file: FoundFile, now: dict[str, FoundFile]) -> bool:
    """Whether another file has the name of one by now; what is not among the inputs any more counts as it did."""
    found = now.get(file.source, file)
    return (found.size_bytes, found.modified) != (file.size_bytes, file.modified)


def _is_gone(file: FoundFile, now: dict[str, FoundFile]) -> bool:
    return file.source not in now and not storage.exists(file.path)
