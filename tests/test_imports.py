"""The packages stand in layers: a module imports from its own and from those below, never in a circle."""

import ast
import graphlib
import pathlib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parent.parent
# From top to bottom. Those of one layer do not import each other.
LAYERS = [
    ["beam_pipelines.console"],
    [
        *("beam_pipelines.preprocess", "beam_pipelines.score", "beam_pipelines.verify", "trainer.task"),
        *("serving.check", "serving.publish", "serving.configure", "serving.local", "serving.ask"),
    ],
    ["serving.publishing"],
    ["serving.checking"],
    ["beam_pipelines.preparing", "beam_pipelines.scoring", "trainer", "serving.configuring", "serving.local_server"],
    ["beam_pipelines.text", "beam_pipelines.archive"],
    ["beam_pipelines.execution", "beam_pipelines.reporting"],
    ["beam_pipelines.compiling", "serving.warm_up"],
    ["serving.calls"],
    ["beam_pipelines.artifacts", "beam_pipelines.commands"],
    ["beam_pipelines.files", "serving.client"],
    ["beam_pipelines.errors", "serving.checking.probe", "serving.messages", "serving.write_messages"],
]
# The same within a package: a module or a folder of it may import those further down.
INSIDE = {
    "beam_pipelines.archive": [
        ["list_extents", "sample"],
        ["large_files", "read_extents"],
        ["files_alike"],
        ["look", "make_blocks", "damage"],
        ["input_columns", "partitions", "null_values"],
        ["json_columns", "parquet_blocks"],
        ["blocks", "chunks"],
        ["csv_and_json_lines"],
        ["rejects", "read_options"],
        ["hints", "columns", "text_cuts", "extents", "inputs"],
        ["rows"],
        ["settings", "positions"],
        ["finding"],
    ],
    "beam_pipelines.preparing": [
        ["pipeline"],
        ["unrated_pipeline"],
        ["vocabulary_choice", "rehearsal", "phase_files", "rejected_share"],
        ["job"],
        ["settings", "unrated_texts"],
        ["examples", "read_reviews", "training_tokens", "unrated_choice"],
        ["unrated_counts", "token_counts", "example_files"],
        ["row_counts", "rated_texts", "unrated_reviews"],
        ["recurring_texts", "soft_scores"],
        ["reviews", "splits", "parts", "embeddings", "doubts"],
    ],
    "beam_pipelines.scoring": [
        ["pipeline", "rehearsal", "verification"],
        ["job"],
        ["wanted_columns"],
        ["settings", "score_extents", "score_reviews_transform"],
        ["extent_writer"],
        ["shards"],
        ["summary"],
        ["score_rows", "output_columns"],
        ["engines", "carried_columns", "output_formats"],
    ],
    "trainer": [
        ["training_run"],
        ["settings"],
        ["fitting"],
        ["judging"],
        ["export", "output_copies"],
        ["review_scorer"],
        ["explanation", "row_slices", "data"],
        ["prepared_reviews"],
        ["architectures"],
    ],
    "serving.local_server": [
        ["server"],
        ["settings", "ports", "rest", "rpc"],
        ["page"],
        ["model_api", "scored_archive", "json_answers", "json_requests"],
        ["tensors", "versions", "workers", "uploaded_archive"],
        ["servable"],
        ["failures"],
    ],
}
# Whoever else took a command's settings would depend on all of its flags; a sample is read as preprocess reads.
KNOW_SETTINGS = {
    "job",
    "wanted_columns",
    "training_run",
    "task",
    "preprocess",
    "score",
    "sample_reviews",
    "local",
    "server",
}
DEPTH = {package: depth for depth, layer in enumerate(LAYERS) for package in layer}
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("beam_pipelines", "trainer", "serving")
    for path in sorted((ROOT / package).rglob("*.py"))
}
# They take seconds to import, and `--help` or a wrong flag must not wait for them.
SLOW = {"apache_beam", "tensorflow", "tensorflow_transform", "tfx_bsl", "keras", "keras_tuner", "numba"}


def is_deferred(node: ast.AST) -> bool:
    """Whether what a node imports is not imported with its module."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test).endswith("TYPE_CHECKING")
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def import_nodes(node: ast.AST, *, deferred: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif deferred or not is_deferred(child):
            yield from import_nodes(child, deferred=deferred)


def imports(module: str, *, deferred: bool = True) -> set[str]:
    """The modules that a module imports, with or without those that its functions import."""
    names = set()
    for node in import_nodes(ast.parse(FILES[module].read_text()), deferred=deferred):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            assert not node.level, f"{module} has a relative import in line {node.lineno}"
            # `from package import module` or `from module import name`.
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {member if member in FILES else node.module for member in members}
    return names


def package_of(module: str) -> str:
    """The entry of `LAYERS` that a module belongs to."""
    packages = [package for package in DEPTH if f"{module}.".startswith(f"{package}.")]
    assert packages, f"{module} stands in no layer"
    return max(packages, key=len)


def may_import(importer: str, imported: str) -> bool:
    if imported.split(".")[0] in ("benchmarks", "demo", "tests"):
        return False
    if imported not in FILES:
        return True
    upper, lower = package_of(importer), package_of(imported)
    return upper == lower or DEPTH[upper] < DEPTH[lower]


def test_no_module_imports_from_a_layer_above_or_beside_its_own():
    arrows = [(importer, imported) for importer in FILES for imported in sorted(imports(importer))]
    assert len(arrows) > 500
    upward = [f"{importer} -> {imported}" for importer, imported in arrows if not may_import(importer, imported)]
    if upward:
        pytest.fail("\n".join(upward))


@pytest.mark.parametrize("package", INSIDE)
def test_within_a_package_imports_run_one_way(package):
    depth = {f"{package}.{part}": row for row, parts in enumerate(INSIDE[package]) for part in parts}

    def part_of(module: str) -> str:
        part = ".".join(module.split(".")[: package.count(".") + 2])
        assert part in depth, f"{part} stands in no row"
        return part

    inside = [module for module in FILES if module.startswith(f"{package}.") and module not in DEPTH]
    arrows = [(a, b) for a in inside for b in imports(a) if b in inside and part_of(a) != part_of(b)]
    assert len(arrows) > 10
    assert [f"{a} -> {b}" for a, b in arrows if depth[part_of(a)] >= depth[part_of(b)]] == []


def test_settings_go_no_further_than_the_job():
    """Those of the archive, which two commands share, are read by the archive's own modules too."""
    settings = {f"{package}.settings" for package in INSIDE if package != "beam_pipelines.archive"}
    takers = {module for module in FILES if settings & imports(module)}
    assert {module.rpartition(".")[2] for module in takers} == KNOW_SETTINGS


def test_no_module_is_imported_by_a_name_in_a_string():
    """But for the architectures, which the registry names so that it needs no Keras."""
    named = {
        module
        for module, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "import_module"
    }
    assert named == {"trainer.architectures.registry"}


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: imports(module) & FILES.keys() for module in FILES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def loaded(module: str) -> set[str]:
    """All that is imported with a module, the packages around it included."""
    names, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += [name.rpartition(".")[0]] if "." in name else []
            waiting += imports(name, deferred=False) if name in FILES else []
    return names


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in FILES
        if name.endswith(".settings")
        or name in LAYERS[1]
        or name.startswith(("beam_pipelines.commands", "beam_pipelines.errors", "beam_pipelines.console"))
    ],
)
def test_what_answers_at_once_imports_nothing_slow(module):
    assert loaded(module) & SLOW == set()


def test_a_launcher_of_remote_workers_needs_no_tensorflow_until_the_vocabulary_is_chosen():
    assert loaded("beam_pipelines.preparing.pipeline") & SLOW == {"apache_beam", "numba"}
