"""The committed notebooks: nbval runs each and compares its text and tables with the outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from conftest import CHECKOUT

from nmc_utils.kernels import PROVISIONER, kernel_spec
from nmc_utils.results import current
from nmc_utils.suite import COMPARISON
from nmc_utils.suite import NOTEBOOKS as SUITE

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))


def _nbval(notebooks: list[Path], root: Path, folder: Path) -> str:
    """Execute notebooks again; what nbval found, nothing where text and tables are the same.

    Its kernels start warm, as those of a run do: the name of the kernel in `folder` says so.
    """
    spec = folder / "kernels" / PROVISIONER / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps(kernel_spec()))
    options = ["-q", "-p", "no:cacheprovider", "--nbval-kernel-name", PROVISIONER]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", *options, *notebooks],
        capture_output=True,
        text=True,
        timeout=560,
        cwd=CHECKOUT,
        env=os.environ | {"NMC_DATA": str(root), "JUPYTER_PATH": str(folder)},
    )
    return "" if done.returncode == 0 else done.stdout[-4000:]


#: Executed anew by `make test`; the others, the slowest among them, by `make test-long`.
_ALWAYS = NOTEBOOKS[1::3]


@pytest.mark.parametrize(
    "notebooks",
    [
        pytest.param(_ALWAYS, id="some"),
        pytest.param(
            [path for path in NOTEBOOKS if path not in _ALWAYS], id="others", marks=pytest.mark.long
        ),
    ],
)
def test_committed_outputs_are_what_the_notebooks_give(
    notebooks: list[Path], published_root: Path, tmp_path: Path
):
    found = _nbval(notebooks, published_root, tmp_path)
    assert not found, f"{found}\nRenew with: make notebooks"


@pytest.mark.long
@pytest.mark.parametrize("key", ["altai/2023", "kostroma/2022", "khakassia/2022", "kostroma/2021"])
def test_published_notebooks_give_the_same_again(key: str, published_root: Path, tmp_path: Path):
    folder = published_root / "results" / current(published_root)[key] / key / "notebooks"
    notebooks = sorted(folder.glob("*.ipynb"))
    of_regions = [path for path in NOTEBOOKS if path.stem != COMPARISON]
    assert [path.name for path in notebooks] == [path.name for path in of_regions]
    assert not _nbval(notebooks, published_root, tmp_path)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebooks_are_executed_small_and_without_paths(notebook: Path):
    cells = [c for c in nbformat.read(notebook, 4).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = notebook.read_text("utf-8")
    assert len(text) < 1_500_000
    legible = re.sub(r'"image/png": "[^"]*"', "", text)  # letters of a picture may say anything
    assert str(CHECKOUT) not in legible and "/tmp" not in legible
    assert "Демонстрационные данные: не сведения о регионе" in text


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_one_question_short_enough_to_read(notebook: Path):
    cells = nbformat.read(notebook, 4).cells
    title, *rest = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert re.match(r"# \S.*\n\n\*\*Вопрос\.\*\* .+\?\n\n\*\*Для кого\.\*\* ", title)
    assert rest[-1].startswith("## Оговорки")
    assert 11 <= len(cells) <= 25
    long = [cell.source for cell in cells if cell.cell_type == "code"]
    assert max(len(source.splitlines()) for source in long) <= 10
    headings = [re.findall(r"^## (.+)$", source, re.MULTILINE) for source in rest]
    assert not [name for name, times in Counter(sum(headings, [])).items() if times > 1]


def test_the_notebooks_lie_in_the_order_in_which_they_run():
    assert list(SUITE) == [path.stem for path in NOTEBOOKS if path.stem != COMPARISON]


def test_a_table_is_staged_by_one_notebook_only():
    sources = [path.read_text("utf-8") for path in NOTEBOOKS]
    staged = Counter(name for text in sources for name in re.findall(r'nmc\.stage\(\\"(\w+)', text))
    assert len(staged) > 30 and not [name for name, times in staged.items() if times > 1]
