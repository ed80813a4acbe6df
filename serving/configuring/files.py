"""Renders the files of a service from the templates beside this module."""

import importlib.resources
import shlex
import sys

import jinja2

from serving.configuring import memory
from serving.configuring.service import TIMEOUT_S, Service

TEMPLATES = importlib.resources.files("serving.configuring") / "templates"
FILES = (
    "models.config",
    "batching.config",
    "monitoring.config",
    "ready.sh",
    "compose.yaml",
    "Dockerfile",
    "kubernetes.yaml",
    "kserve.yaml",
    "nginx.conf",
    "README.md",
)
# An unprivileged user that Linux images have.
NOBODY = 65534


def render(service: Service) -> dict[str, str]:
    """Returns the text of each of `FILES` by its name."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["sh"] = shlex.quote
    known = {
        "service": service,
        "settings": service.settings,
        "memory": memory,
        "nobody": NOBODY,
        # By its path: whoever reads the files may stand anywhere.
        "python": shlex.quote(sys.executable),
        "timeout_s": TIMEOUT_S,
    }
    return {name: environment.from_string(_template(name)).render(known) for name in FILES}


def _template(name: str) -> str:
    return (TEMPLATES / f"{name}.jinja").read_text()
