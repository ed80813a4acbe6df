"""Each file is read as those read it who get it: the official messages, and the schemas of Compose and Kubernetes."""

import importlib.resources
import json
import re

import jsonschema
import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format

from serving.configuring import files, service
from serving.configuring.settings import ConfigureSettings
from serving.messages import ModelServerConfig
from tests.helpers.services import made_up_version
from tests.serving.configuring.official import BatchingParameters, MonitoringConfig

KUBERNETES = "1.37"
COMPOSE = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("with $ign and 'quote'")
    made_up_version(folder, 20260101000007, model="lstm", size=30 << 20)
    made_up_version(folder, 20260101000008)
    return folder


@pytest.fixture(scope="module")
def described(versions) -> service.Service:
    """One version, a CNN."""
    return service.find(ConfigureSettings(str(versions), "out", rest_port=18501, grpc_port=18500))


@pytest.fixture(scope="module")
def two(versions) -> service.Service:
    """An LSTM and a canary."""
    return service.find(ConfigureSettings(f"{versions}/20260101000007", "out", canary=20260101000008, replicas=1))


def documents(text: str) -> list[dict]:
    return [*yaml.safe_load_all(text)]


def test_models_config_pins_versions_and_labels(two):
    config = text_format.Parse(files.render(two)["models.config"], ModelServerConfig())
    [model] = config.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("reviews", "/models/reviews", "tensorflow")
    assert model.model_version_policy.WhichOneof("policy_choice") == "specific"
    assert [*model.model_version_policy.specific.versions] == [20260101000007, 20260101000008]
    assert dict(model.version_labels) == {"stable": 20260101000007, "canary": 20260101000008}


def test_batching_config_bounds_what_a_long_review_slows(two):
    parameters = text_format.Parse(files.render(two)["batching.config"], BatchingParameters())
    assert {field.name: getattr(value, "value", value) for field, value in parameters.ListFields()} == {
        "max_batch_size": 1000,
        "batch_timeout_micros": 1000,
        "max_enqueued_batches": 250,
        "num_batch_threads": 2,
        "enable_large_batch_splitting": True,
        "max_execution_batch_size": 8,
    }


def test_the_advice_on_batching_is_in_its_file_and_says_whether_it_is_on(described, two):
    cnn, lstm = (files.render(of)["batching.config"] for of in (described, two))
    assert "\n# The other files switch it off.\n" in cnn
    assert "\n# The other files switch it on.\n" in lstm
    assert '"Task size 1001 is larger than maximum input batch\n# size"' in lstm


def test_monitoring_config_opens_metrics(described):
    config = text_format.Parse(files.render(described)["monitoring.config"], MonitoringConfig())
    assert (config.prometheus_config.enable, config.prometheus_config.path) == (True, "/monitoring/prometheus/metrics")


def test_compose_is_valid_and_keeps_the_server_to_this_machine(described, versions):
    compose = yaml.safe_load(files.render(described)["compose.yaml"])
    jsonschema.validate(compose, json.loads(COMPOSE.read_text()))
    server = compose["services"]["serving"]
    assert server["image"] == "tensorflow/serving:2.20.0"
    assert server["ports"] == ["127.0.0.1:18501:8501", "127.0.0.1:18500:8500"]
    assert [volume["read_only"] for volume in server["volumes"]] == [True, True]
    # Compose takes $$ for a $.
    assert server["volumes"][0]["source"].replace("$$", "$") == str(versions)
    assert "$$ign" in server["volumes"][0]["source"]
    assert (server["user"], server["read_only"], server["cap_drop"]) == ("65534:65534", True, ["ALL"])
    assert server["deploy"]["resources"]["limits"] == {"cpus": "2", "memory": "1792M"}
    assert server["command"][-1] == "--model_config_file_poll_wait_seconds=30"
    assert server["command"][:-1] == described.arguments
    assert server["healthcheck"]["test"] == ["CMD", "bash", "/config/ready.sh"]


def test_kubernetes_takes_the_manifests(described):
    manifests = documents(files.render(described)["kubernetes.yaml"])
    assert [manifest["kind"] for manifest in manifests] == ["Deployment", "Service", "PodDisruptionBudget"]
    for manifest in manifests:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    labels = manifests[0]["spec"]["template"]["metadata"]["labels"]
    assert manifests[0]["spec"]["selector"]["matchLabels"] == manifests[1]["spec"]["selector"] == labels
    assert manifests[2]["spec"]["selector"]["matchLabels"] == labels


def test_one_replica_has_no_budget_that_would_stop_each_drain(two):
    assert [manifest["kind"] for manifest in documents(files.render(two)["kubernetes.yaml"])] == [
        "Deployment",
        "Service",
    ]


def test_a_pod_is_ready_when_its_version_is_loaded_and_lives_while_it_answers(described):
    pod = documents(files.render(described)["kubernetes.yaml"])[0]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    paths = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    loaded = "/v1/models/reviews/versions/20260101000008/metadata"
    assert paths == {"startupProbe": loaded, "readinessProbe": loaded, "livenessProbe": "/v1/models/reviews"}
    assert container["image"] == "reviews:20260101000008"
    assert container["args"][:-1] == described.arguments
    assert container["resources"]["limits"] == {"memory": "1536Mi"}


# The fields of serving.kserve.io/v1beta1 that are used, as KServe 0.21 defines them; what a container has, Kubernetes
# checks.
PREDICTOR = {
    "type": "object",
    "properties": {
        "canaryTrafficPercent": {"type": "integer", "minimum": 0, "maximum": 100},
        "minReplicas": {"type": "integer"},
        "timeout": {"type": "integer"},
        "model": {
            "type": "object",
            "properties": {
                "modelFormat": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
                "protocolVersion": {"enum": ["v1", "v2", "grpc-v1", "grpc-v2"]},
                "storageUri": {"type": "string"},
            },
            "required": ["modelFormat"],
        },
    },
    "required": ["model"],
    "additionalProperties": False,
}


def inference_service(of: service.Service) -> dict:
    """The predictor of kserve.yaml, found valid."""
    [manifest] = documents(files.render(of)["kserve.yaml"])
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert manifest["metadata"] == {"name": "reviews"}
    assert manifest["spec"].keys() == {"predictor"}
    predictor = manifest["spec"]["predictor"]
    jsonschema.validate(predictor, PREDICTOR)
    of_kserve = PREDICTOR["properties"]["model"]["properties"]
    container = {name: value for name, value in predictor["model"].items() if name not in of_kserve}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", **container}]},
    }
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    return predictor


def test_kserve_gets_one_version_from_a_folder_of_its_own(described):
    predictor = inference_service(described)
    assert "canaryTrafficPercent" not in predictor
    assert predictor["model"]["storageUri"] == "s3://YOUR-BUCKET/reviews/20260101000008"
    assert predictor["model"]["image"] == "tensorflow/serving:2.20.0"


def test_kserve_gives_the_canary_its_share(two):
    predictor = inference_service(two)
    assert predictor["canaryTrafficPercent"] == 10
    assert predictor["model"]["storageUri"] == "s3://YOUR-BUCKET/reviews/20260101000008"


def test_the_image_holds_the_versions_and_starts_as_the_others_do(two):
    text = re.sub(r"(?m)^#.*\n", "", files.render(two)["Dockerfile"])
    instructions = [line.partition(" ")[::2] for line in text.splitlines()]
    assert [word for word, _ in instructions] == [
        *("FROM", "LABEL", "COPY", "COPY", "COPY", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD")
    ]
    assert [words for word, words in instructions if word == "COPY"] == [
        "--from=versions --chmod=755 20260101000007 /models/reviews/20260101000007",
        "--from=versions --chmod=755 20260101000008 /models/reviews/20260101000008",
        "--chmod=755 models.config batching.config monitoring.config ready.sh /config/",
    ]
    assert json.loads(instructions[-2][1]) == ["tensorflow_model_server"]
    assert json.loads(instructions[-1][1]) == two.arguments


def test_commands_in_comments_quote_the_folder(described, versions):
    quoted = str(versions).replace("'", "'\"'\"'")
    assert f"--build-context versions='{quoted}' --tag" in files.render(described)["Dockerfile"]
    assert f"--build-context versions='{quoted}' --tag" in files.render(described)["README.md"]


def test_the_readme_says_what_is_served_and_what_is_refused(described, two):
    readme = files.render(two)["README.md"]
    assert "\nIt serves version 20260101000007 as `stable` and version 20260101000008 as `canary`.\n" in readme
    assert "A request of more than 1,000 reviews is refused with 400." in readme
    assert "is refused with 400" not in files.render(described)["README.md"]
