"""The attempts at a job: each is a process of some machine, and has a name of its own.

An attempt keeps its temporary files in a folder of its name. It can take a lease on the folder that it writes to: a
file that it writes anew each minute, by which others know that it lives.
"""

import dataclasses
import datetime
import os
import socket
import uuid

LEASE = ".lease"
RENEWAL_SECONDS = 60
# So long a lease counts after its last renewal.
LEASE_SECONDS = 300
_RANDOM = uuid.uuid4().hex[:12]


def name() -> str:
    """The name of this process's attempt; a process that was forked off has another."""
    return f"{os.getpid()}-{_RANDOM}"


@dataclasses.dataclass(frozen=True)
class Lease:
    """Who holds a folder.

    Attributes:
      host: The name of the machine.
      process: The number of the process there.
      started: When it took the lease, in UTC.
    """

    host: str
    process: int
    started: str

    @classmethod
    def of_this_process(cls) -> "Lease":
        started = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return cls(socket.gethostname(), os.getpid(), started)

    @property
    def has_ended(self) -> bool:
        """Whether the process, which is not this one, is known to have ended; only its own machine can tell."""
        if self.host != socket.gethostname():
            return False
        if self.process == os.getpid():
            # A container that is started again counts its processes from one again.
            return True
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # It is somebody else's.
            return False
        return False
