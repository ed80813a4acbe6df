"""What object stores send for each reading of an archive, against what the archive holds."""

import dataclasses
import gzip
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import archive, process
from benchmarks.bounds import Bound
from benchmarks.small_files import split
from benchmarks.workplace import Workplace

BUCKET = "reviews"
WANTED = 1.3
MANY = 300
PART_BYTES = 1 << 16
# How often each job reads: a text file is scanned once for its cuts, a small or compressed one is not.
READINGS = {"score": 1, "preprocess": 2}
SCANNED = ("one.csv", "one.jsonl")


def measure(place: Workplace) -> Iterator[Bound]:
    """Both jobs on archives of each kind, on gs:// and on s3://, with the output on this machine."""
    archives = write_archives(place.archive(place.reviews), place.folder / "stored")
    for scheme in STORES:
        for job, (module, flags) in place.jobs().items():
            told = {name: str(value) for name, value in flags.items()}
            sent = place.call("stores", "count_sent", scheme=scheme, module=module, flags=told, folder=archives)
            for name, (sent_bytes, held_bytes) in sent.items():
                readings = READINGS[job] + (name in SCANNED)
                yield Bound(
                    f"{job} from {scheme}://, {name}: bytes sent to bytes held, a reading",
                    sent_bytes / readings / held_bytes,
                    WANTED,
                    detail=f"{sent_bytes / 1e6:,.1f} MB of {held_bytes / 1e6:,.1f} MB in {readings} readings",
                )


def write_archives(source: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Writes an archive in the forms that are read in different ways."""
    folder.mkdir()
    rows = list(archive.read_rows(str(source)))
    (folder / "one.csv").write_bytes(source.read_bytes())
    (folder / "one.csv.gz").write_bytes(gzip.compress(source.read_bytes(), 1))
    with (folder / "one.jsonl").open("w") as file:
        file.writelines(json.dumps(dict(zip(archive.COLUMNS, row, strict=True))) + "\n" for row in rows)
    columns = {name: list(values) for name, values in zip(archive.COLUMNS, zip(*rows, strict=True), strict=True)}
    pq.write_table(pa.table(columns), folder / "one.parquet", row_group_size=1000)
    split(source, folder / "many", MANY)
    return folder


def count_sent(scheme: str, module: str, flags: dict, folder: str) -> dict[str, tuple[int, int]]:
    """Runs a job on each archive; what the store has sent, and the bytes of the archive, by its name."""
    found, store = {}, STORES[scheme]
    with CountingProxy(store.serve()) as proxy:
        # Uploads too go through the proxy: gs:// tells readers to come the way that writers came.
        os.environ |= {store.server_variable: f"http://127.0.0.1:{proxy.port}", **store.more_variables}
        upload = store.uploader()
        for path in sorted(pathlib.Path(folder).iterdir()):
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            for file in files:
                upload(f"{path.name}/{file.name}", file.read_bytes())
            proxy.sent = 0
            run(module, input=f"{scheme}://{BUCKET}/{path.name}/*", **flags)
            found[path.name] = proxy.sent, sum(file.stat().st_size for file in files)
    return found


def run(module: str, **flags) -> None:
    """Runs a job whose output is of no interest."""
    with process.temporary_output() as output:
        command = [sys.executable, "-m", module, *process.as_flags({**flags, "output": output})]
        ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{ended.stderr[-3000:]}")


def serve_s3() -> tuple[str, int]:
    """Starts an S3 server on loopback, and returns its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    return server.get_host_and_port()


def serve_gs() -> tuple[str, int]:
    """Starts a Cloud Storage server on loopback, and returns its address."""
    from gcp_storage_emulator.server import create_server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    create_server(*address, in_memory=True).start()
    return address


def uploader_to_s3() -> Callable[[str, bytes], None]:
    """Makes the bucket; what puts an object there."""
    import boto3

    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return lambda name, data: client.put_object(Bucket=BUCKET, Key=name, Body=data)


def uploader_to_gs() -> Callable[[str, bytes], None]:
    """Makes the bucket; what puts an object there."""
    from google.cloud import storage

    bucket = storage.Client.create_anonymous_client().create_bucket(BUCKET, project="reviews")
    return lambda name, data: bucket.blob(name).upload_from_string(data)


@dataclasses.dataclass(frozen=True)
class Store:
    """An object store on loopback.

    Attributes:
      serve: Starts it.
      uploader: Gives what puts objects there, once the environment leads there.
      server_variable: The variable of the environment that holds its address.
      more_variables: Others that lead there.
    """

    serve: Callable[[], tuple[str, int]]
    uploader: Callable[[], Callable[[str, bytes], None]]
    server_variable: str
    more_variables: dict[str, str] = dataclasses.field(default_factory=dict)


STORES = {
    "gs": Store(serve_gs, uploader_to_gs, "STORAGE_EMULATOR_HOST"),
    "s3": Store(
        serve_s3,
        uploader_to_s3,
        "AWS_ENDPOINT_URL_S3",
        {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"},
    ),
}


class CountingProxy:
    """Stands before a server and counts what that sends, headers and all.

    Attributes:
      port: Its own, on loopback.
      sent: The bytes that the server has sent.
    """

    def __init__(self, address: tuple[str, int]):
        self._address = address
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.port = self._listener.getsockname()[1]
        self.sent = 0

    def __enter__(self) -> "CountingProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *raised) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._address)
            threading.Thread(target=self._copy, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._copy, args=(server, client, True), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, is_sent: bool) -> None:
        try:
            while data := source.recv(PART_BYTES):
                if is_sent:
                    with self._lock:
                        self.sent += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One side has gone, so that the other one has no more to expect.
            for end in (source, target):
                end.close()
