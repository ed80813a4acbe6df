"""Starts a class of the jars that Maven has copied to a folder."""

import contextlib
import pathlib
import subprocess

from tests.helpers.engines.processes import ENGINES, running

# Flink and Spark look into these; since Java 17 they have to be opened.
_OPENED = [
    *(
        "java.lang",
        "java.lang.invoke",
        "java.lang.reflect",
        "java.io",
        "java.net",
        "java.nio",
        "java.text",
        "java.time",
    ),
    *("java.util", "java.util.concurrent", "java.util.concurrent.atomic"),
    *("sun.nio.ch", "sun.security.action", "sun.util.calendar"),
]
_LOG_TIMES = {"org.slf4j.simpleLogger.showDateTime": "true", "org.slf4j.simpleLogger.dateTimeFormat": "HH:mm:ss.SSS"}
_FLAGS = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
_FLAGS.append("--add-exports=java.base/sun.net.util=ALL-UNNAMED")


def java(
    jars: str, memory_mb: int, log: pathlib.Path, main_class: str, *arguments: object, properties: dict | None = None
) -> contextlib.AbstractContextManager[subprocess.Popen]:
    """Runs a class.

    Args:
      jars: The folder of the jars below `.engines`.
      memory_mb: The size of its heap.
      log: Where what it prints is appended.
      main_class: The class.
      arguments: Its arguments.
      properties: System properties.
    """
    defined = [f"-D{name}={value}" for name, value in {**_LOG_TIMES, **(properties or {})}.items()]
    class_path = f"{ENGINES / jars}/*"
    return running(log, "java", f"-Xmx{memory_mb}m", *_FLAGS, *defined, "-cp", class_path, main_class, *arguments)
