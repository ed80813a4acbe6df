"""Whether two models score on the same scale: whoever reads their scores counts on it."""

from beam_pipelines.artifacts.exports import Export
from beam_pipelines.errors import UserError


def refuse_another(old: Export, new: Export) -> None:
    """Refuses a model whose scale is not that of the one that it would replace.

    Raises:
      UserError: It is another one, with the status of what does not pass.
    """
    if old.info.scale != new.info.scale:
        raise UserError(
            f"{new.path} scores from {new.info.score_min:g} to {new.info.score_max:g}, and {old.path} from "
            f"{old.info.score_min:g} to {old.info.score_max:g}: whoever reads the scores has to know",
            status=1,
        )
