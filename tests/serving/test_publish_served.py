"""A server that watches the folder takes up what is published, and goes back when that is withdrawn."""

import httpx
import pytest

from beam_pipelines.errors import UserError
from serving import check, publish
from serving.checking import export_check, server_check
from tests.helpers.engines.processes import wait_until
from tests.helpers.exports import renumbered, version
from tests.helpers.served import served


def live_version(server) -> str:
    """The newest version that the server answers with."""
    states = httpx.get(server.url).json()["model_version_status"]
    return max(state["version"] for state in states if state["state"] == "AVAILABLE")


def wait_for(server, number: int) -> None:
    wait_until(lambda: live_version(server) == str(number), seconds=60, process=server.process, log=server.log)


@pytest.mark.slow
def test_a_server_follows_what_is_published_and_rolled_back(cnn, tmp_path, monkeypatch):
    monkeypatch.setattr(export_check, "check", lambda export: None)  # It has tests of its own.
    monkeypatch.setattr(server_check, "RUNS", {1: 1})
    live = tmp_path / "live"
    first, second = (renumbered(version(cnn), number, tmp_path) for number in (1, 2))
    publish.main([first, "--to", str(live)])
    with served(live) as server:
        assert live_version(server) == "1"
        publish.main([second, "--to", str(live)])
        wait_for(server, 2)
        at_server = ["--server", server.rest, "--grpc_port", server.grpc.rpartition(":")[2]]
        assert check.main([second, *at_server]) == 0
        publish.main(["--to", str(live), "--rollback"])
        wait_for(server, 1)
        assert check.main([first, *at_server]) == 0
        with pytest.raises(UserError, match="version 2"):
            check.main([second, *at_server])
