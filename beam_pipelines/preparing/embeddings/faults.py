"""Counts what cannot be used of a file of vectors, and tells of it: a little is passed over, more is refused."""

import dataclasses

from beam_pipelines.errors import UserError, logger

# A file with a larger share of faults is refused: it is not what it should be.
_ALLOWED_SHARE = 0.01
NOT_FINITE = "its numbers are not finite (nan, inf, or too large for float32)"


@dataclasses.dataclass
class Faults:
    """The faults of one kind.

    Attributes:
      count: How many there are.
      first: Where the first one is, and what is wrong there.
    """

    count: int = 0
    first: str = ""

    def add(self, where: str, what: str) -> None:
        self.first = self.first or f"{where}: {what}"
        self.count += 1

    def tell(self, words: int, source: str, advice: str) -> None:
        """Warns of the faults, if there are any.

        Args:
          words: How many words the file holds.
          source: What --embeddings says.
          advice: What they are as a rule and what to do, as a clause.

        Raises:
          UserError: They are more than 1% of the words.
        """
        if not self.count:
            return
        counted = f"; so it is in {self.count:,} of {words:,} lines" if self.count > 1 else ""
        message = f"--embeddings {source}, {self.first}{counted}"
        if self.count > _ALLOWED_SHARE * words:
            raise UserError(f"{message}; {advice}")
        logger.warning("%s; these words count as unknown", message)
