"""Programs beside Python that some tests run: a browser, a proxy."""

import os
import shutil

import pytest

# Set where they have to be there: what would be skipped fails.
REQUIRED = "REQUIRE_PROGRAMS"


def need(*programs: str, packages: str) -> list[str]:
    """Returns the paths of programs, or skips the test where one is missing.

    Args:
      programs: Their names.
      packages: Debian's packages that bring them, in words.
    """
    found = [shutil.which(name) or shutil.which(name, path="/usr/sbin") for name in programs]
    if all(found):
        return found
    reason = f"needs Debian's packages {packages}"
    return pytest.fail(reason) if os.environ.get(REQUIRED) else pytest.skip(reason)
