"""What all tests of runners have: the programs that Beam would download are there."""

import pytest
from apache_beam.runners.portability.job_server import JavaJarJobServer
from apache_beam.runners.portability.prism_runner import PrismJobServer


@pytest.fixture(autouse=True)
def downloaded(monkeypatch):
    monkeypatch.setattr(PrismJobServer, "local_bin", lambda url, cache: url)
    monkeypatch.setattr(JavaJarJobServer, "local_jar", lambda self, url, cache: url)
