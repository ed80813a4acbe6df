"""Chooses what scores: an engine on this machine, or a server."""

from beam_pipelines.artifacts.exports import Export
from beam_pipelines.scoring.engines.scorer import Scorer
from beam_pipelines.scoring.engines.served_scorer import ServedScorer
from beam_pipelines.scoring.engines.server_options import ServerOptions


def open_scorer(export: Export, *, engine: str, server: ServerOptions | None, explain: bool) -> Scorer | ServedScorer:
    """Opens what scores with an export.

    Args:
      export: The model.
      engine: See `Scorer`.
      server: Where it is served; None of a job that needs no server.
      explain: Whether scores will be explained.

    Raises:
      UserError: It does not give the scores of the export, or is not there.
    """
    return ServedScorer(export, server, explain=explain) if server else Scorer(export, engine)
