"""The Flink cluster of deploy/flink, beside the one that the tests on engines start."""

import pathlib
import re

import pytest
import yaml

from tests.deploy.documents import OUR_COMMANDS
from tests.helpers.engines import flink
from tests.test_readme import parse  # noqa: F401 (a fixture)

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "deploy/flink"
TESTED = yaml.safe_load(flink._CONFIGURATION.format(rpc=1, rest=2, folder="/tmp"))
MOUNT = "/reviews"
SERVICES = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
MANIFESTS = {each["kind"]: each for each in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())}
CLUSTER = MANIFESTS["FlinkDeployment"]["spec"]
POD = CLUSTER["taskManager"]["podTemplate"]["spec"]
JOB = yaml.safe_load((FOLDER / "score.yaml").read_text())
LAUNCH = JOB["spec"]["template"]["spec"]["containers"][0]


def of_compose() -> dict[str, object]:
    """Flink's configuration there, which is equal for all."""
    [properties] = {
        service["environment"]["FLINK_PROPERTIES"] for service in SERVICES.values() if "environment" in service
    }
    return yaml.safe_load(properties)


@pytest.mark.parametrize("settings", [of_compose(), CLUSTER["flinkConfiguration"]], ids=["compose", "kubernetes"])
def test_restarts_are_those_of_the_tested_cluster(settings):
    names = {name for name in TESTED if name.startswith(("restart-strategy", "heartbeat", "classloader"))}
    names |= {"taskmanager.numberOfTaskSlots", "taskmanager.memory.network.min", "taskmanager.memory.network.max"}
    assert len(names) == 9
    assert {name: str(settings[name]) for name in names} == {name: str(TESTED[name]) for name in names}


def test_versions_are_the_tested_ones():
    pom = (ROOT / "tests/runners/flink.xml").read_text()
    flink_version, beam = re.search(
        r"<artifactId>beam-runners-flink-([\d.]+)</artifactId>\s*<version>([\d.]+)</version>", pom
    ).groups()
    server = MANIFESTS["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert {SERVICES["jobserver"]["image"], server["image"]} == {f"apache/beam_flink{flink_version}_job_server:{beam}"}
    images = {SERVICES[name]["image"] for name in ("jobmanager", "taskmanager-1", "taskmanager-2", "machine-1")}
    assert images == {CLUSTER["image"]}
    assert CLUSTER["image"].startswith(f"flink:{flink_version}.")
    assert CLUSTER["flinkVersion"] == f"v{flink_version.replace('.', '_')}"
    assert SERVICES["jobserver"]["command"][1:] == server["args"][1:]
    spark = re.search(
        r"<artifactId>beam-runners-spark-3</artifactId>\s*<version>([\d.]+)<",
        (ROOT / "tests/runners/spark.xml").read_text(),
    )[1]
    found = re.findall(r"apache/beam_spark3_job_server:(\S+)", (ROOT / "deploy/spark/README.md").read_text())
    assert {*found} == {spark}


def test_each_task_manager_has_workers_of_its_own():
    networks = {name: service["network_mode"] for name, service in SERVICES.items() if "network_mode" in service}
    machines = [name.removeprefix("machine-") for name in SERVICES if name.startswith("machine-")]
    assert networks == {
        f"{kind}-{machine}": f"service:machine-{machine}" for kind in ("taskmanager", "workers") for machine in machines
    }
    assert of_compose()["parallelism.default"] == len(machines) == 2
    assert [container["name"] for container in POD["containers"]] == ["flink-main-container", "workers"]
    assert SERVICES["workers-1"]["command"] == POD["containers"][1]["args"] == ["--worker_pool"]


def test_workers_take_the_cores_of_their_container_alone():
    workers = POD["containers"][1]
    assert workers["env"] == [{"name": "OMP_NUM_THREADS", "value": workers["resources"]["limits"]["cpu"]}]


def test_all_see_the_same_folder():
    for name, service in SERVICES.items():
        if name.startswith("machine-"):
            continue
        assert [volume.rpartition(":")[2] for volume in service["volumes"]] == [MOUNT], name
    server = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
    for spec in (POD, server, JOB["spec"]["template"]["spec"]):
        assert [volume["persistentVolumeClaim"]["claimName"] for volume in spec["volumes"]] == ["reviews"]
        for container in spec["containers"]:
            assert [mount["mountPath"] for mount in container["volumeMounts"]] == [MOUNT]
    assert MANIFESTS["PersistentVolumeClaim"]["metadata"]["name"] == "reviews"
    assert MANIFESTS["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_only_this_machine_reaches_the_console():
    assert {port for service in SERVICES.values() for port in service.get("ports", [])} == {"127.0.0.1:8081:8081"}


def test_ports_are_those_that_the_job_server_listens_at():
    arguments = dict(argument[2:].split("=") for argument in SERVICES["jobserver"]["command"])
    ports = {each["name"]: str(each["port"]) for each in MANIFESTS["Service"]["spec"]["ports"]}
    assert ports == {"jobs": arguments["job-port"], "artifacts": arguments["artifact-port"]}
    assert f"--job_endpoint=jobserver:{ports['jobs']}" in LAUNCH["command"]
    assert f"--artifact_endpoint=jobserver:{ports['artifacts']}" in LAUNCH["command"]


def test_the_job_s_command_is_one_that_its_parser_takes(parse):  # noqa: F811
    assert LAUNCH["command"][:2] == ["review-scorer", "score"]
    parse("beam_pipelines.score", *LAUNCH["command"][2:])


def test_dead_workers_are_forgotten_before_a_restart():
    delay = re.fullmatch(r"(\d+) s", TESTED["restart-strategy.exponential-delay.initial-backoff"])[1]
    shown = [" ".join(command) for name, command in OUR_COMMANDS if name == "deploy/flink/README.md"]
    given = [
        re.search(r"--environment_cache_millis[ =](\d+)", text)[1] for text in [*shown, " ".join(LAUNCH["command"])]
    ]
    assert len(given) == 2
    assert {*given} == {"4000"}
    assert 1000 * int(delay) > 4000
    assert flink._CACHE == "--environment_cache_millis=4000"
