"""The folder that a run of the benchmarks works in: its archive, and what is made of it once for all parts."""

import contextlib
import dataclasses
import functools
import json
import logging
import os
import pathlib
import tempfile
from collections.abc import Iterator

from beam_pipelines.artifacts import exports
from benchmarks import archive, process
from benchmarks.rates import steady_rate

logger = logging.getLogger("benchmarks")

# What is learned from: enough for a vocabulary of the archive's size.
LEARNED_WORDS = 2_400_000
EPOCHS = 2
MOST_COPIES = 8


@dataclasses.dataclass(frozen=True)
class Workplace:
    """A folder and the archive in it.

    Attributes:
      folder: The folder.
      reviews: The rows of the archive.
      mean_words: Words a row.
      vectors: As of `preprocess --embeddings`.
      repeats: How often each thing is measured.
      runs: Of each process: module, rows, flags, what it took, and what its summary says of it.
      model: The default CNN, if it was trained before.
    """

    folder: pathlib.Path
    reviews: int
    mean_words: float
    vectors: str
    repeats: int
    runs: list[dict] = dataclasses.field(default_factory=list)
    model: pathlib.Path | None = None
    _warm: set[tuple] = dataclasses.field(default_factory=set)

    def rows(self, words: float) -> int:
        """How many rows hold about so many words, at most all."""
        return round(min(self.reviews, max(words / self.mean_words, 1)))

    def sizes(self, words: float) -> tuple[int, int]:
        """The rows of the two parts that a steady rate comes from; the large one holds about so many words."""
        many = self.rows(words)
        return many // 5, many

    def repeated_sizes(self, words: float) -> tuple[int, int]:
        """The same for what is so fast that it may read the whole archive several times over."""
        copies = min(round(words / self.mean_words / self.reviews), MOST_COPIES)
        return (self.reviews, copies * self.reviews) if copies > 1 else self.sizes(words)

    def archive(self, rows: int) -> pathlib.Path:
        """The first rows of the archive as a CSV file; of a multiple of its rows, a pattern for so many such files."""
        path = self.folder / f"{rows}.csv"
        if rows > self.reviews:
            return self._copies(rows // self.reviews)
        if not path.exists() and rows == self.reviews:
            logger.info("writing an archive of %d reviews", rows)
            self.call("archive", "write", path=path, reviews=rows, mean_words=self.mean_words, vectors=self.vectors)
        elif not path.exists():
            archive.copy_first(self.archive(self.reviews), path, rows)
        return path

    def _copies(self, times: int) -> pathlib.Path:
        folder = self.folder / f"{times}-times"
        if not folder.exists():
            folder.mkdir()
            for number in range(times):
                os.link(self.archive(self.reviews), folder / f"{number}.csv")
        return folder / "*.csv"

    @property
    def rating(self) -> dict[str, str]:
        """The flags of preprocess for this archive."""
        return {"text_column": "review_content", "title_column": "review_title", "embeddings": self.vectors}

    @functools.cached_property
    def learned_rows(self) -> int:
        return self.rows(LEARNED_WORDS)

    @functools.cached_property
    def prepared(self) -> pathlib.Path:
        """What preprocess makes of some rows."""
        folder = self.folder / "prepared"
        logger.info("preparing %d reviews to learn from", self.learned_rows)
        process.run("beam_pipelines.preprocess", input=self.archive(self.learned_rows), output=folder, **self.rating)
        return folder

    def trained(self, model: str) -> pathlib.Path:
        """The newest version of a default model."""
        folder = self.folder / f"trained-{model}"
        if not folder.exists():
            logger.info("training the default %s", model)
            process.run("trainer.task", data=self.prepared, output=folder, model=model, epochs=EPOCHS)
        return max((folder / exports.VERSIONS).iterdir())

    def notebook(self, model: str) -> pathlib.Path:
        """The notebook's CNN or LSTM as a SavedModel, with the same vocabulary and vectors."""
        folder = self.folder / f"notebook-{model}"
        if not folder.exists():
            logger.info("exporting the notebook's %s", model)
            self.call("notebook", "export", architecture=model, data=self.prepared, output=folder)
        return folder

    def jobs(self) -> dict[str, tuple[str, dict]]:
        """Both jobs for this archive: module and flags, by name."""
        model = self.model or self.trained("cnn")
        return {
            "score": ("beam_pipelines.score", {"model": model, "text_column": "review_content"}),
            "preprocess": (
                "beam_pipelines.preprocess",
                {"text_column": "review_content", "title_column": "review_title"},
            ),
        }

    @contextlib.contextmanager
    def output(self) -> Iterator[pathlib.Path]:
        """A folder to write to, deleted afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield pathlib.Path(folder, "output")

    def run_on(self, module: str, path: pathlib.Path | str, output: pathlib.Path, **flags) -> process.Measured:
        """Runs a job on any archive, as `process.run` does."""
        measured = process.run(module, input=path, output=output, **flags)
        told = measured.seconds, measured.cpu_seconds, measured.peak_mb
        logger.info("  %s, %s: %.1f s, %.1f s of CPU, %.0f MB", module, pathlib.Path(path).name, *told)
        return measured

    def run(self, module: str, rows: int, output: pathlib.Path, **flags) -> process.Measured:
        """Runs a job on so many rows, in a process of its own, and notes what it took."""
        measured = process.run(module, input=self.archive(rows), output=output, **flags)
        told = {name: str(value) for name, value in flags.items()}
        self.runs.append({"module": module, "rows": rows, **told, **dataclasses.asdict(measured)})
        summary = output / "summary.json"
        if summary.exists():
            self.runs[-1]["this_run"] = json.loads(summary.read_text())["this_run"]
        took = measured.seconds, measured.cpu_seconds, measured.peak_mb
        logger.info("  %s, %d rows: %.1f s, %.1f s of CPU, %.0f MB", module, rows, *took)
        return measured

    def warm_up(self, module: str, rows: int, **flags) -> None:
        """Runs a job once, which brings files into memory, and compiles what is kept compiled."""
        if (job := (module, *flags.values())) not in self._warm:
            self._warm.add(job)
            with self.output() as output:
                process.run(module, input=self.archive(rows), output=output, **flags)

    def steady_rate(self, module: str, rows: tuple[int, int], **flags) -> float:
        """Rows a second of a job, start-up left out, from a run on few rows and one on many."""
        self.warm_up(module, rows[0], **flags)
        seconds = []
        for some in rows:
            with self.output() as output:
                seconds.append(self.run(module, some, output, **flags).seconds)
        return steady_rate(rows, tuple(seconds))

    def call(self, module: str, function: str, **arguments):
        """Calls a function of a module beside this one in a process of its own; paths reach it as text."""
        told = {name: str(value) if isinstance(value, pathlib.Path) else value for name, value in arguments.items()}
        return process.call(f"benchmarks.{module}", function, **told)
