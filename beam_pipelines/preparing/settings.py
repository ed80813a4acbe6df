"""The settings of the preprocess job, the only home of their defaults."""

import dataclasses
import math
import re

from beam_pipelines.archive.settings import ArchiveSettings
from beam_pipelines.artifacts.tokenizer import PLAIN, Tokenizer
from beam_pipelines.commands.flags import flag

MODULE = "beam_pipelines.preprocess"
_UNRATED_ROWS = 25_000
PHASES = COUNT, CHOOSE, EXAMPLES = "count", "choose", "examples"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PreprocessSettings(ArchiveSettings):
    """Turns an archive of rated reviews into training examples, a vocabulary and its vectors.

    The score of a review stands in a column of its own (--score_column) or at the end of a title
    such as "Band - Album - 85%" (--title_column). Rows that cannot be used are written to
    OUTPUT/rejected with their reason; rows without a score are skipped and counted.

    Example:
      python -m beam_pipelines.preprocess --input 'reviews/*.csv.gz' --output prepared \\
          --text_column review_content --title_column review_title \\
          --embeddings glove.6B.zip:glove.6B.100d.txt

    Beam's own flags (--runner, --project, ...) follow on the same line.
    """

    score_column: str | None = flag("the column of the score", default=None, metavar="NAME")
    title_column: str | None = flag("the column of a title that ends with the score", default=None, metavar="NAME")
    score_pattern: str = flag(
        "how a title holds the score: a regular expression whose last group is the score; named groups become "
        "columns that --split_column may name, without names the first group is `title`",
        default=r"(.*) - (\d+)%",
        metavar="REGEX",
    )
    score_min: float = flag("the lowest possible score", default=0.0)
    score_max: float = flag("the highest possible score", default=100.0)
    unrated_values: str = flag(
        "scores that stand for none, separated by commas, such as 0 in an archive of 1 to 5 stars: their rows are "
        "skipped",
        default="",
        metavar="A,B",
    )
    id_column: str | None = flag(
        "the column that names a row; without it a row is FILE:PLACE", default=None, metavar="NAME"
    )
    split_column: str | None = flag(
        "rows that are equal in this column stay in one split; by default rows of equal text do",
        default=None,
        metavar="NAME",
    )
    unrated: tuple[str, ...] = flag(
        "texts to learn words from, in the formats of --input: the archive that will be scored is the natural one; its "
        "scores, if it has any, are not read; may be repeated",
        default=(),
        metavar="GLOB",
        is_path=True,
    )
    unrated_rows: int = flag(
        "how many texts of --unrated are taken, those with the lowest hashes; texts that are rated are left out, and "
        "of equal ones all but the first",
        default=_UNRATED_ROWS,
    )
    teacher_column: str | None = flag(
        "the column of --unrated with what another judge says of the score: a number, or JSON such as "
        '{"4": 0.25, "5": 0.75}',
        default=None,
        metavar="NAME",
    )
    embeddings: str | None = flag(
        "word vectors: text of GloVe, word2vec or fastText (.vec), plain or compressed, FILE:MEMBER of a .zip or "
        ".tar, or the name of an installed package that holds vectors; without it all vectors are learned",
        default=None,
        metavar="FILE",
        is_path=True,
    )
    vector_size: int = flag("the length of the vectors, where all are learned", default=100)
    trained_tokens: int = flag("how many of the most frequent tokens without a vector get an id", default=5000)
    unseen_tokens: int = flag(
        "how many further words of --embeddings get an id, the most frequent ones that no training review holds, first "
        "those of --unrated; an archive may hold them. Each costs about 1.3 kB in the export of a CNN over 100-d "
        "vectors",
        default=20_000,
    )
    punctuation_tokens: str = flag(
        "on: each !, ? and emoji is a token of its own, with a vector or an id as words have; off: they only part "
        "words, as other punctuation does and as in the notebook",
        default="on",
        choices=["on", "off"],
        alone="on",
    )
    max_tokens: int = flag("a review is cut after this many tokens", default=4096)
    test_share: float = flag("the share of rated rows kept for the test, in [0, 1]", default=0.2)
    validation_share: float = flag("the share of rated rows kept for early stopping, in [0, 1]", default=0.16)
    sample_share: float = flag("use only this share of the rated rows", default=1.0)
    phase: str | None = flag(
        "run a part of the job, which goes on from what the one before has left in OUTPUT: count reads the archive, "
        "choose makes the vocabulary, examples reads the archive once more; without it all three are run",
        default=None,
        choices=list(PHASES),
    )

    def __post_init__(self):
        super().__post_init__()
        if self.no_wait and self.phase not in (COUNT, EXAMPLES):
            raise ValueError("--no_wait leaves one phase to a cluster: give --phase count, then choose, then examples")
        if self.overwrite and self.phase in (CHOOSE, EXAMPLES):
            raise ValueError(f"--phase {self.phase} goes on with what --overwrite deletes; give one of them")
        if self.finish and (self.phase or self.overwrite):
            raise ValueError("--finish goes with neither --phase nor --overwrite")
        if (self.score_column is None) == (self.title_column is None):
            raise ValueError("give exactly one of --score_column and --title_column")
        if not (math.isfinite(self.score_min) and math.isfinite(self.score_max) and self.score_min < self.score_max):
            raise ValueError(f"--score_min {self.score_min} must be less than --score_max {self.score_max}")
        for name in ("test_share", "validation_share", "sample_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"--{name} {getattr(self, name)} is not in [0, 1]")
        if self.test_share + self.validation_share >= 1:
            raise ValueError("--test_share and --validation_share together leave nothing to train on")
        for name in ("max_tokens", "vector_size", "unrated_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)} must be at least 1")
        for name in ("trained_tokens", "unseen_tokens"):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name} {getattr(self, name)} must not be negative")
        if self.teacher_column and not self.unrated:
            raise ValueError(f"--teacher_column {self.teacher_column} is a column of --unrated, which is not given")
        if self.unrated_rows != _UNRATED_ROWS and not self.unrated:
            raise ValueError(f"--unrated_rows {self.unrated_rows} are rows of --unrated, which is not given")
        try:
            _ = self.scores_for_none
        except ValueError:
            raise ValueError(f"--unrated_values {self.unrated_values!r} are no numbers such as 0,-1") from None
        try:
            groups = re.compile(self.score_pattern).groups
        except re.error as error:
            raise ValueError(f"--score_pattern {self.score_pattern!r} is no regular expression: {error}") from None
        if groups < 1:
            raise ValueError(f"--score_pattern {self.score_pattern!r} has no group for the score")

    @property
    def outcome(self) -> dict[str, object]:
        """The settings that decide what is written; a phase can only go on with equal ones."""
        free = (
            *("input", "output", "overwrite", "max_rejected_share", "max_unpacked_gb", "damaged_files"),
            *("phase", "no_wait", "finish", "dry_run"),
        )
        values = {name: value for name, value in dataclasses.asdict(self).items() if name not in free}
        # The files are compared one by one, as those of --input are.
        return {**values, "unrated": bool(self.unrated)}

    @property
    def tokenizer(self) -> Tokenizer:
        """How texts are cut into tokens."""
        return Tokenizer(PLAIN, punctuation_tokens=self.punctuation_tokens == "on")

    @property
    def scores_for_none(self) -> tuple[float, ...]:
        """The scores that stand for none."""
        return tuple(float(value) for value in self.unrated_values.split(",") if value.strip())

    @property
    def columns(self) -> tuple[str, ...]:
        """The input columns that the job reads, the text first."""
        wanted = [self.text_column, self.score_column or self.title_column, self.id_column]
        if self.split_column and self.split_column not in self.title_groups:
            wanted.append(self.split_column)
        return tuple(dict.fromkeys(name for name in wanted if name))

    @property
    def unrated_columns(self) -> tuple[str, ...]:
        """The columns of --unrated that the job reads, the text first."""
        wanted = (self.text_column, self.id_column, self.teacher_column)
        return tuple(dict.fromkeys(name for name in wanted if name))

    @property
    def title_groups(self) -> tuple[str, ...]:
        """The columns that the score pattern makes of a title."""
        if self.title_column is None:
            return ()
        pattern = re.compile(self.score_pattern)
        named = tuple(name for name, group in pattern.groupindex.items() if group != pattern.groups)
        return named or (("title",) if pattern.groups > 1 and not pattern.groupindex else ())
