"""The committed notebooks: nbval runs each and compares its text and tables with the outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import CHECKOUT

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_outputs_are_what_the_notebook_gives(notebook: Path, published_root: Path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", str(notebook)],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=CHECKOUT,
        env=os.environ | {"NMC_DATA": str(published_root)},
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\nRenew with: make notebooks"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebooks_are_executed_small_and_without_paths(notebook: Path):
    cells = [c for c in nbformat.read(notebook, 4).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = notebook.read_text("utf-8")
    assert len(text) < 1_500_000
    assert str(CHECKOUT) not in text and "/tmp" not in text
    assert "Демонстрационные данные: не сведения о регионе" in text
