"""The committed notebooks: nbval runs each and compares its text and tables with the outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import CHECKOUT

from nmc_utils.results import current

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))


def _nbval(notebooks: list[Path], root: Path) -> str:
    """Execute notebooks again; what nbval found, nothing where text and tables are the same."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", *notebooks],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=CHECKOUT,
        env=os.environ | {"NMC_DATA": str(root)},
    )
    return "" if done.returncode == 0 else done.stdout[-4000:]


def test_committed_outputs_are_what_the_notebooks_give(published_root: Path):
    found = _nbval(NOTEBOOKS, published_root)
    assert not found, f"{found}\nRenew with: make notebooks"


@pytest.mark.long
@pytest.mark.parametrize("key", ["altai/2023", "kostroma/2022", "khakassia/2022", "kostroma/2021"])
def test_published_notebooks_give_the_same_again(key: str, published_root: Path):
    folder = published_root / "results" / current(published_root)[key] / key / "notebooks"
    notebooks = sorted(folder.glob("*.ipynb"))
    assert len(notebooks) == len(NOTEBOOKS)
    assert not _nbval(notebooks, published_root)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebooks_are_executed_small_and_without_paths(notebook: Path):
    cells = [c for c in nbformat.read(notebook, 4).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = notebook.read_text("utf-8")
    assert len(text) < 1_500_000
    assert str(CHECKOUT) not in text and "/tmp" not in text
    assert "Демонстрационные данные: не сведения о регионе" in text
