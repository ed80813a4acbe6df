"""The packages stand in layers: a module imports from its own and from those below, never in a circle."""

import ast
import graphlib
import pathlib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parent.parent
# From top to bottom. Those of one layer do not import each other.
LAYERS = [
    ["beam_pipelines.preprocess", "beam_pipelines.score", "trainer.task", "serving.check"],
    ["beam_pipelines.preparing", "beam_pipelines.scoring", "trainer"],
    ["beam_pipelines.text", "beam_pipelines.archive"],
    ["beam_pipelines.compiling", "beam_pipelines.execution", "beam_pipelines.reporting"],
    ["beam_pipelines.artifacts", "beam_pipelines.commands"],
    ["beam_pipelines.files"],
    ["beam_pipelines.errors", "serving.probe"],
]
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
        if name.endswith(".settings") or name.startswith(("beam_pipelines.commands", "beam_pipelines.errors"))
    ],
)
def test_what_answers_at_once_imports_nothing_slow(module):
    assert loaded(module) & SLOW == set()
