"""The local server as a process: its ports, its one line, and how it ends."""

import httpx

from tests.helpers.exports import version


def test_it_serves_the_newest_version_of_the_trainers_output(cnn, served_cnn):
    listed = httpx.get(served_cnn.url).json()["model_version_status"]
    status = {"error_code": "OK", "error_message": ""}
    assert listed == [{"version": version(cnn).name, "state": "AVAILABLE", "status": status}]
