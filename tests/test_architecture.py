"""Who may call whom: the rule of docs/architecture.md, read from the source."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import CHECKOUT

PACKAGE = "nmc_utils"
#: A region and what its definition is made of.
REGION = ("regions", "indicator_definitions")
#: Part of the tree → what of the package it may import (prefixes).
ALLOWED = {
    "measures": (
        *("measures", "editions", *REGION, "populations", "published"),
        *("seminar_settings", "system", "terms"),
    ),
    "terms.py": (),
    "definitions.py": (),
    "published.py": ("definitions", "terms"),
    "populations.py": ("definitions", "tables", "terms"),
    "regions.py": (
        "definitions",
        "demonstration_sizes",
        "indicator_definitions",
        "populations",
        "published",
        "seminar_settings",
        "terms",
    ),
    "indicator_definitions.py": ("definitions", "populations", "terms"),
    "demonstration_sizes.py": ("definitions", "terms"),
    "seminar_settings.py": ("definitions",),
    "system.py": ("definitions", "regions", "terms"),
    "editions.py": ("definitions", *REGION, "system", "terms"),
    "tables.py": ("editions", "terms"),
    "wording.py": ("regions", "terms", "measures.dictionary"),
    "theme.py": ("wording",),
    "findings": (
        "findings",
        "wording",
        *REGION,
        "terms",
        "measures.dictionary",
        "measures.attainment",
        "measures.indicators",
        "measures.certainty",
        "measures.progress",
        "measures.programmes",
        "measures.discrepancies",
    ),
    "comparison.py": ("wording", "findings", "regions", "terms", "measures.changes"),
    "figures": (
        "figures",
        "theme",
        "wording",
        "findings",
        *REGION,
        "terms",
        "measures.dictionary",
    ),
    "documents": (
        "documents",
        "editions",
        "findings",
        *REGION,
        "terms",
        "wording",
        "measures.certainty",
        "measures.seminar_tables",
    ),
    "reading": ("reading", "memory_dumps"),
    "intake": ("intake", "reading", "documents.tables", "tables", "editions", *REGION, "terms"),
    "disclosure": ("disclosure", "measures.dictionary", "terms"),
    "results.py": ("editions", "measures.dictionary"),
    "approvals.py": ("results", "history"),
    "collecting.py": ("editions", "regions", "tables", "terms", "results", "approvals"),
    "scanning.py": ("editions", "intake", "results", "tables"),
    "country.py": ("editions", "results", "terms"),
    "suite.py": (
        "results",
        "holding",
        "runs",
        "editions",
        "country",
        "kernels",
        "jobs",
        "executing",
    ),
    "executing.py": ("kernels", "jobs"),
    "history.py": ("results", "editions"),
    "holding.py": ("results",),
    "runs.py": ("results", "history", "holding", "editions"),
    "kernels.py": (),
    "kernel_server.py": ("memory_dumps",),
    "memory_dumps.py": (),
    "terminal.py": ("editions",),
    "terminal_progress.py": ("editions",),
    "jobs.py": (),
    "demo": (
        *("demo", "editions", *REGION, "demonstration_sizes", "system", "terms", "tables"),
        *("documents.tables", "intake.columns", "intake.persons", "intake.template"),
    ),
}
#: Besides the standard library, `measures` rest on these alone.
MEASURE_LIBRARIES = {"numpy", "scipy", "pandas", "highspy"}
#: Modules of `measures` that rest on one library more.
ALSO = {"typology.py": {"threadpoolctl"}}
DASHBOARD = (
    "theme",
    "documents",
    "figures",
    "findings",
    "wording",
    "results",
    "history",
    "approvals",
    "collecting",
    "country",
    "editions",
    *REGION,
    "terms",
    "measures.dictionary",
)


def _imported(path: Path) -> set[str]:
    """Absolute names of the modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _inside(path: Path) -> set[str]:
    names = _imported(path)
    assert PACKAGE not in names, f"{path}: import the module, not the whole package"
    prefix = PACKAGE + "."
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


def _forbidden(path: Path, allowed: tuple[str, ...]) -> set[str]:
    return {
        name
        for name in _inside(path)
        if not any(name == entry or name.startswith(entry + ".") for entry in allowed)
    }


def _files(part: str) -> list[Path]:
    place = CHECKOUT / PACKAGE / part
    return [place] if place.suffix else sorted(place.glob("*.py"))


@pytest.mark.parametrize("part", ALLOWED)
def test_each_part_imports_only_what_it_may(part):
    files = _files(part)
    assert files, part
    for path in files:
        assert not _forbidden(path, ALLOWED[part]), f"{path} imports across the rule"


def test_every_module_has_a_rule():
    modules = {path.name for path in (CHECKOUT / PACKAGE).glob("*.py")}
    packages = {path.parent.name for path in (CHECKOUT / PACKAGE).glob("*/__init__.py")}
    assert (modules | packages) - {"__init__.py", "cli.py", "commands"} == set(ALLOWED)


def test_measures_touch_no_files_no_clock_and_no_other_library():
    for path in _files("measures"):
        roots = {name.split(".")[0] for name in _imported(path)}
        assert not roots & {"os", "pathlib", "time", "datetime", "random", "tempfile"}, path
        called = [node.attr for node in ast.walk(ast.parse(path.read_text("utf-8")))
                  if isinstance(node, ast.Attribute)]  # fmt: skip
        assert not [name for name in called if name.startswith(("read_", "to_parquet", "to_csv"))]
        third_party = roots - set(sys.stdlib_module_names) - {PACKAGE}
        assert third_party <= MEASURE_LIBRARIES | ALSO.get(path.name, set()), path


def test_two_files_of_the_dashboards_alone_may_measure_and_nobody_takes_in():
    """`store` counts what is published, `trying` plans what is not: pages see neither's means."""
    for path in sorted((CHECKOUT / "dashboards").rglob("*.py")):
        allowed = DASHBOARD + (("measures",) if path.name in ("store.py", "trying.py") else ())
        assert not _forbidden(path, allowed), f"{path} imports across the rule"


def test_suite_notebooks_import_the_package_alone_and_define_nothing():
    notebooks = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        trees = [ast.parse(cell.source) for cell in cells]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        assert [ast.unparse(node) for node in imports] == ["import nmc_utils as nmc"], path
        definitions = ast.FunctionDef | ast.ClassDef | ast.Try
        assert not [node for node in nodes if isinstance(node, definitions)], path
        assert all(len(cell.source.splitlines()) <= 10 for cell in cells), path
