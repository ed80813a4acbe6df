"""Beam's file systems for gs:// and s3:// paths, with errors that a person can mend.

Beam retries for up to a minute where credentials are missing, takes a bucket that does not exist for
an empty one (s3://), and raises a tree of errors. Here a bucket is probed once per process, before
anything else, and whatever fails becomes one sentence.
"""

import contextlib
import errno
import functools
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any

from apache_beam.io import filesystem, filesystems
from apache_beam.options import pipeline_options

from beam_pipelines.errors import UserError
from beam_pipelines.files import object_reader

# Seconds to wait for the answer to a probe.
_TIMEOUT = 10
# By SCHEME://BUCKET of those that have answered: botocore's client, which writes to s3://, else None.
_probed: dict[str, Any] = {}


def set_options(options: pipeline_options.PipelineOptions) -> None:
    """Makes Beam's flags, such as --s3_endpoint_url, those of all accesses of this process."""
    filesystems.FileSystems.set_options(options)


def options() -> pipeline_options.PipelineOptions:
    """Returns the flags that Beam's file systems go by; in a worker, Beam has set the job's (Beam 2.77)."""
    flags = filesystems.FileSystems._pipeline_options
    if flags is None:
        # Not from sys.argv, whose flags may be those of another program.
        flags = pipeline_options.PipelineOptions([])
        set_options(flags)
    return flags


def file_systems_for(path: str) -> type[filesystems.FileSystems]:
    """Returns Beam's file systems, once the bucket of a path has answered in this process.

    Raises:
      UserError: Names the path, and what to do: no credentials, no such bucket, no access, no such
        scheme.
    """
    scheme, bucket, key = _parts(path)
    root = f"{scheme}://{bucket}"
    if root not in _probed:
        with store_errors(path):
            _probed[root] = _probe(path, scheme, bucket, key)
    return filesystems.FileSystems


def open_bytes(path: str, wanted_bytes: int) -> IO[bytes]:
    """Opens an object, of which about so many bytes are read in a row."""
    scheme, bucket, key = _parts(path)
    store = file_systems_for(path)
    if scheme not in _RANGES:
        return store.open(path, compression_type="uncompressed")
    # Beam's own streams (2.77) fetch the same bytes again after a seek (gs://), and ask for all that follows where only
    # some is wanted (s3://).
    size_bytes, fetch = _RANGES[scheme](bucket, key)
    return object_reader.open_object(fetch, size_bytes, wanted_bytes)


_PART_BYTES = 1 << 20
# How often a body that broke off is asked for again; requests that fail are tried again by botocore.
_TRIES = 3
_local = threading.local()
# Such objects with a Content-Encoding of gzip are never sent to their end, as Beam says (2.77).
_GZIP = ("application/gzip", "application/x-gzip")


def _ranges_of_gs(bucket: str, key: str) -> tuple[int, Callable[[int, int], bytes]]:
    """The size of an object, and what returns the bytes from one offset up to another."""
    from apache_beam.io.gcp import gcsio

    # One client for each thread, since to make one costs a request (Beam 2.77).
    if not hasattr(_local, "gcs"):
        _local.gcs = gcsio.GcsIO(pipeline_options=options())
    retry = _local.gcs._storage_client_retry
    blob = _local.gcs.client.bucket(bucket).blob(key)
    blob.reload(retry=retry)
    if blob.content_encoding == "gzip" and blob.content_type in _GZIP:
        raise UserError(
            f"gs://{bucket}/{key}: the store says twice that it is gzip, and does not send it then; clear its "
            "Content-Encoding: gcloud storage objects update --clear-content-encoding"
        )

    def fetch(start: int, end: int) -> bytes:
        # As it lies: the store would decompress what is said to be gzip.
        return blob.download_as_bytes(start=start, end=end - 1, raw_download=True, checksum=None, retry=retry)

    return blob.size, fetch


def _ranges_of_s3(bucket: str, key: str) -> tuple[int, Callable[[int, int], bytes]]:
    """The same of s3://."""
    from botocore import exceptions

    client = _probed[f"s3://{bucket}"]
    size_bytes = client.head_object(Bucket=bucket, Key=key)["ContentLength"]

    def fetch(start: int, end: int) -> bytes:
        for left in reversed(range(_TRIES)):
            try:
                return client.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}")["Body"].read()
            except exceptions.HTTPClientError:
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    return size_bytes, fetch


_RANGES = {"gs": _ranges_of_gs, "s3": _ranges_of_s3}


def write(path: str, data: bytes | IO[bytes]) -> None:
    """Creates an object with these bytes or those of a file, or replaces it; readers see all of them or none.

    An object is published at `close`: an exception before must not reach it, hence no `with`.
    """
    store = file_systems_for(path)
    scheme, bucket, key = _parts(path)
    with store_errors(path):
        if client := _probed[f"{scheme}://{bucket}"]:
            # Beam (2.77) cannot write an empty object there, and takes three requests for any other.
            _put(client, bucket, key, data)
        else:
            # As they are: by default Beam compresses what has a name like .gz.
            file = store.create(path, "application/octet-stream", "uncompressed")
            if isinstance(data, bytes):
                file.write(data)
            else:
                shutil.copyfileobj(data, file, _PART_BYTES)
            file.close()


def _put(client: Any, bucket: str, key: str, data: bytes | IO[bytes]) -> None:
    if isinstance(data, bytes):
        client.put_object(Bucket=bucket, Key=key, Body=data)
    else:
        # A large one goes in parts, and appears with the last of them.
        client.upload_fileobj(data, bucket, key)


def _parts(path: str) -> tuple[str, str, str]:
    scheme, _, rest = path.partition("://")
    bucket, _, key = rest.partition("/")
    return scheme, bucket, key


def _probe(path: str, scheme: str, bucket: str, key: str) -> Any:
    """Accesses a bucket for the first time, and returns botocore's client of s3://.

    Raises:
      UserError: Says what to do.
    """
    # Before Beam looks for a file system: with no flags set, it would take those of sys.argv.
    flags = options()
    try:
        filesystems.FileSystems.get_filesystem(path)
    except ValueError:
        raise UserError(f"{path}: a path is a local one, gs://BUCKET/... or s3://BUCKET/...") from None
    if scheme not in _PROBES:
        return None
    if not bucket:
        raise UserError(f"{path} names no bucket")
    # A policy may let a user list only a part of the bucket.
    prefix = re.split(r"[*?[]", key)[0].rpartition("/")[0]
    return _PROBES[scheme](path, bucket, prefix, flags)


@contextlib.contextmanager
def store_errors(path: str) -> Iterator[None]:
    """Makes one error of whatever a store raises in the context.

    Raises:
      FileNotFoundError: There is no such object.
      UserError: Anything else that is not a bug; one line that names the path.
    """
    try:
        yield
    except (UserError, FileNotFoundError):
        raise
    except Exception as error:
        cause = _cause(error)
        code, line = _code(cause), " ".join(_message(cause).split())
        if code == 404:
            raise FileNotFoundError(errno.ENOENT, line, path) from error
        # Whoever reads the file in the context may raise too, an error of its format.
        if not (isinstance(cause, ConnectionError | TimeoutError) or type(cause).__module__.startswith(_LIBRARIES)):
            raise
        if code in (401, 403):
            raise UserError(f"{path}: access denied: {line}") from error
        raise UserError(f"{path} cannot be reached: {line}") from error


_LIBRARIES = ("apache_beam.io.", "botocore.", "google.", "requests.", "urllib3.")


def _cause(error: BaseException) -> BaseException:
    """Finds what lies at the bottom of Beam's error about errors."""
    while isinstance(error, filesystem.BeamIOError) and error.exception_details:
        inner = next(iter(error.exception_details.values()))
        if not isinstance(inner, BaseException):
            break
        error = inner
    return error


def _code(error: BaseException) -> int | None:
    """Finds the status of HTTP, where the error knows one."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return getattr(error, "code", None)


def _message(error: BaseException) -> str:
    # The text of Google's errors begins with the request.
    return str(getattr(error, "message", None) or error)


def _probe_s3(path: str, bucket: str, prefix: str, flags: pipeline_options.PipelineOptions) -> Any:
    from apache_beam.io.aws import s3io

    try:
        import botocore.exceptions
        import botocore.session
    except ImportError:
        raise UserError(f"{path}: s3:// needs boto3: pip install 'review-scorer[aws]'") from None
    # Beam makes a client for each file that it opens, and each would parse botocore's description of S3
    # anew, for 0.1 s (Beam 2.77, botocore 1.44).
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    try:
        client = s3io.S3IO(options=flags).client.client
        client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError):
        raise UserError(
            f"{path}: no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`"
        ) from None
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise UserError(f"{path}: there is no bucket {bucket!r}") from None
        raise
    return client


def _probe_gs(path: str, bucket: str, prefix: str, flags: pipeline_options.PipelineOptions) -> None:
    import google.api_core.exceptions
    import google.auth.exceptions
    from apache_beam.internal.gcp import auth
    from apache_beam.io.gcp import gcsio

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        # An emulator asks for no credentials; Beam would look for them for half a minute (Beam 2.77).
        auth._Credentials._credentials_init = True
    else:
        try:
            google.auth.default(scopes=flags.view_as(pipeline_options.GoogleCloudOptions).gcp_oauth_scopes)
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise UserError(
                f"{path}: no Google Cloud credentials found; run `gcloud auth application-default login`, or name a "
                f"key file in GOOGLE_APPLICATION_CREDENTIALS ({str(error).split('. ')[0]})"
            ) from None
    client = gcsio.create_storage_client(flags)
    try:
        list(client.list_blobs(bucket, prefix=prefix, max_results=1, retry=None, timeout=_TIMEOUT))
    except google.api_core.exceptions.NotFound:
        raise UserError(f"{path}: there is no bucket {bucket!r}") from None


_PROBES = {"s3": _probe_s3, "gs": _probe_gs}
