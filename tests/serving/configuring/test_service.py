"""The versions of a service, and what a server of them is told."""

import json

import pytest

from beam_pipelines.artifacts import exports
from beam_pipelines.errors import UserError
from serving.configuring import service
from serving.configuring.settings import ConfigureSettings
from tests.helpers.services import made_up_version

MIB = 1 << 20


@pytest.fixture
def versions(tmp_path):
    made_up_version(tmp_path, 7, model="lstm", size=30 * MIB)
    made_up_version(tmp_path, 8, size=300 * MIB)
    return tmp_path


def find(export, **flags) -> service.Service:
    return service.find(ConfigureSettings(str(export), "out", **flags))


def test_the_newest_version_is_the_stable_one(versions):
    found = find(versions)
    assert (found.labels, found.folder, found.rolled_out.version) == ({"stable": 8}, str(versions), 8)
    assert found.baked_image == "reviews:8"


def test_the_label_canary_names_the_second_version(versions):
    found = find(versions / "7", canary=8)
    assert (found.labels, found.rolled_out.version) == ({"stable": 7, "canary": 8}, 8)


def test_memory_grows_with_the_versions_that_are_loaded_at_a_time(versions):
    one, two = find(versions), find(versions / "7", canary=8)
    # 1,280 MiB are there for the server and its requests; 552 for version 8, 228 for version 7.
    assert (one.pod_memory_mib, one.compose_memory_mib, one.kserve_memory_mib) == (2048, 2560, 2048)
    assert (two.pod_memory_mib, two.compose_memory_mib, two.kserve_memory_mib) == (2304, 2304, 2048)
    assert find(versions, memory_mib=700).compose_memory_mib == 700


@pytest.mark.parametrize(
    ("version", "asked", "batching"), [(7, "auto", True), (8, "auto", False), (7, "off", False), (8, "on", True)]
)
def test_batching_is_for_an_lstm_or_whoever_asks_for_it(versions, version, asked, batching):
    found = find(versions / str(version), batching=asked)
    assert found.batching is batching
    assert ("--enable_batching=true" in found.arguments) is batching
    assert ("--batching_parameters_file=/config/batching.config" in found.arguments) is batching


def test_threads_are_those_of_the_cores_that_it_may_use(versions):
    assert {"--tensorflow_intra_op_parallelism=3", "--grpc_max_threads=48"} <= {*find(versions, cpus=3).arguments}


def test_two_of_the_largest_requests_wait(versions):
    assert find(versions, max_batch_size=100, max_execution_batch_size=16).max_enqueued_batches == 14


def test_the_stable_version_is_no_canary(versions):
    sentence = f"--canary 8 is the version that --export {versions} means too; name the stable one, as in --export "
    with pytest.raises(UserError, match=f"(?m)^{sentence}{versions}/VERSION$"):
        find(versions, canary=8)


def test_a_canary_that_is_not_there_is_refused(versions):
    with pytest.raises(UserError, match=f"^--canary {versions}/9 holds no exported model"):
        find(versions, canary=9)


def test_an_export_that_a_server_may_not_read_is_refused(versions):
    weights = versions / "8" / "variables" / "variables.data-00000-of-00001"
    weights.chmod(0o600)
    sentence = f"{weights} cannot be read by the server, which has no privileges: chmod -R o.rX {versions}/8"
    with pytest.raises(UserError, match=f"(?m)^{sentence}$"):
        find(versions)


def test_the_folder_of_the_versions_has_to_be_open_too(tmp_path):
    version = made_up_version(tmp_path / "versions", 8)
    version.parent.chmod(0o700)
    with pytest.raises(
        UserError, match=f"^{version.parent} cannot be read by the server, .*: chmod o.rx {version.parent}"
    ):
        service.find(ConfigureSettings(str(version), "out"))


def test_a_damaged_export_is_not_pinned(tmp_path):
    version = made_up_version(tmp_path, 8)
    about = json.loads((version / exports.INFO).read_text())
    (version / exports.INFO).write_text(json.dumps(about | {"digests": {"saved_model.pb": "0"}}))
    with pytest.raises(
        UserError, match=f"^{version}/saved_model.pb is not the file that was exported; export or publish"
    ):
        service.find(ConfigureSettings(str(version), "out"))
