"""The documents tell the truth: commands, links, terms and files that they name exist."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer
import yaml
from conftest import CHECKOUT

from nmc_utils import indicator_definitions, populations, published, regions
from nmc_utils.cli import app
from nmc_utils.editions import EditionFile
from nmc_utils.suite import NOTEBOOKS
from nmc_utils.tables import SCHEMAS

READMES = ("README.md", "README.ru.md")
DOCUMENTS = (*READMES, "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md",
             "docs/glossary.md", "docs/coverage.md", "docs/region.md",
             "docs/methods.md", "docs/groups.md", "docs/routes.md")  # fmt: skip
NMC = typer.main.get_command(app)
STATUSES = {"есть", "планируется", "не входит"}


def _read(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


# --- READMEs --------------------------------------------------------------------------------------


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """Language and lines of every code block, comments and blank lines left out."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    blocks = []
    for language, content in found:
        lines = [re.sub(r"(^|\s+)#.*$", "", line).rstrip() for line in content.splitlines()]
        blocks.append((language, [line for line in lines if line]))
    return blocks


def _commands(text: str) -> list[str]:
    return [line for language, lines in _blocks(text) if not language for line in lines]


def _inline(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def _wrong_targets(text: str, makefile: str) -> list[str]:
    """Targets of `make` that the text names and the Makefile does not have."""
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    calls = [line for line in (*_commands(text), *_inline(text)) if line.startswith("make ")]
    return [call for call in calls if not set(call.split()[1:]) <= targets]


def _wrong_nmc(calls: Iterable[str]) -> list[str]:
    """Calls of `nmc` whose command or options the command line does not have."""
    wrong = []
    for call in calls:
        words = shlex.split(call)
        if words[:1] != ["nmc"] or len(words) == 1:
            continue
        commands = [word for word in words[1:] if not word.startswith("-")][:1]
        known = NMC.commands.get(commands[0]) if commands else NMC
        options = {name for command in (NMC, known) if command for parameter in command.params
                   for name in parameter.opts} | {"--help"}  # fmt: skip
        asked = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
        if known is None or not asked <= options:
            wrong.append(call)
    return wrong


def _unusable_nmc(calls: Iterable[str]) -> list[str]:
    """Whole calls of `nmc` that its parser refuses: wrong options, values, or too few of them."""
    wrong = []
    for call in calls:
        words = shlex.split(call)
        if words[:1] == ["nmc"]:
            try:
                NMC.commands[words[1]].make_context(words[1], words[2:])
            except (KeyError, typer.TyperException) as error:
                wrong.append(f"{call}: {error!r}")
    return wrong


def _missing_links(name: str, text: str) -> list[str]:
    """Files that a document links to or shows and that do not exist."""
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text)
             if not re.match(r"https?://|#", link)]  # fmt: skip
    home = (CHECKOUT / name).parent
    return [link for link in links if not (home / link.partition("#")[0]).is_file()]


def test_both_readmes_have_the_same_commands():
    first, second = (_blocks(_read(name)) for name in READMES)
    assert first and first == second


@pytest.mark.parametrize("name", READMES)
def test_a_readme_is_short_and_has_few_pictures(name: str):
    text = _read(name)
    assert len(text.splitlines()) < 150
    assert 1 <= len(re.findall(r"!\[", text)) <= 3


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_tells_to_run_exists(name: str):
    text = _read(name)
    assert not _wrong_targets(text, _read("Makefile"))
    assert not _wrong_nmc([*_commands(text), *_inline(text)])
    assert not _unusable_nmc(_commands(text))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_links_to_exists(name: str):
    assert not _missing_links(name, _read(name))


def test_wrong_commands_and_links_are_found():
    text = (
        "```\nmake run     # a remark\nmake coffee\nnmc check khakassia\nnmc fly\n```\n`make run`"
    )
    assert _commands(text)[0] == "make run"
    assert _wrong_targets(text, "run: ready\n") == ["make coffee"]
    assert _wrong_nmc(["nmc fly", "nmc run --sideways", "nmc init", "nmc", "ls"]) == [
        "nmc fly",
        "nmc run --sideways",
    ]
    assert len(_unusable_nmc(_commands(text))) == 2
    assert _missing_links("README.md", "[a](docs/none.md) ![b](LICENSE) [c](#d)") == [
        "docs/none.md"
    ]


@pytest.mark.parametrize("name", READMES)
def test_the_example_of_an_edition_is_accepted(name: str):
    (lines,) = [lines for language, lines in _blocks(_read(name)) if language == "yaml"]
    edition = EditionFile.model_validate(yaml.safe_load("\n".join(lines)))
    assert edition.origin == "submitted" and len(lines) == 4


def test_conda_takes_its_packages_from_the_lock():
    environment = yaml.safe_load(_read("environment.yml"))
    *names, packages = environment["dependencies"]
    assert packages == {"pip": ["-r requirements.lock"]}
    assert [name.partition("=")[0] for name in names] == ["python", "pip"]
    assert f"-n {environment['name']} " in _read("README.md")
    locked = _read("requirements.lock")
    for needed in ("hatchling", "editables"):  # the package is built without isolation
        assert re.search(rf"^{needed}==", locked, re.MULTILINE)


def test_the_picture_of_a_notebook_starts_at_a_heading_that_is_there():
    source = _read("docs/take_pictures.py")
    (heading,) = re.findall(r'^NOTEBOOK_FROM = "(.+?)"', source, re.MULTILINE)
    (notebook,) = re.findall(r'^NOTEBOOK = \(".+?", "(.+?)"\)', source, re.MULTILINE)
    assert f'"## {heading}' in _read(f"notebooks/{notebook}.ipynb")


# --- everything that is tracked -------------------------------------------------------------------

_HOSTS = re.compile(
    r"pypi\.org|pythonhosted\.org|anaconda\.(?:org|com)|npmjs\.(?:org|com)|jsdelivr\.net|unpkg\.com"
)
_PATHS = re.compile(r"(?<![\w.$}~>])/(?:work|tmp|home|root)/\w|\b[A-Z]:\\\w")


def _tracked() -> list[Path]:
    if not (CHECKOUT / ".git").exists():
        pytest.skip("не рабочая копия git: список файлов проекта неизвестен")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True)
    names = done.stdout.decode("utf-8").split("\0")
    return [CHECKOUT / name for name in names if name and (CHECKOUT / name).is_file()]


def _of_this_machine(text: str) -> list[str]:
    """Names of package registries and absolute paths in `text`."""
    return _HOSTS.findall(text) + _PATHS.findall(text)


def test_no_tracked_file_names_a_registry_or_a_place_of_this_machine():
    wrong = {}
    for path in _tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8000] and path.suffix != ".png":
            found = _of_this_machine(content.decode("utf-8"))
            wrong |= {path.relative_to(CHECKOUT).as_posix(): found} if found else {}
    assert not wrong


def test_registries_and_places_are_found():
    for start in ("see ", '"', "= '", "file://"):
        assert _of_this_machine(start + "/" + "tmp/x")
    assert _of_this_machine("https://" + "pypi" + ".org/simple")
    assert _of_this_machine("C" + ":\\Users")
    assert not _of_this_machine("a/work/b, $HOME/nmc-data, ../tmp/x, https://example.org/home/x")


# --- regions stay out of the code -----------------------------------------------------------------

_GENERIC = r"\b(?:Республика|область|край|автономный|автономная|округ|город)\b"
_ENDING = r"(?:ская|ский|ское|ия|ая|ый|а|я)$"


def _words_of_region(code: str, name: str) -> re.Pattern[str]:
    """What would betray a region in code: its code as a word, the stem of its proper name."""
    proper = re.sub(_GENERIC, " ", name, flags=re.IGNORECASE).split()
    stems = [re.escape(re.sub(_ENDING, "", word)) for word in proper]
    return re.compile(rf"\b{re.escape(code)}\b|\b(?:{'|'.join(stems)})", re.IGNORECASE)


def test_code_knows_no_region():
    definitions = sorted((CHECKOUT / "data" / "regions").glob("*/region.yaml"))
    assert definitions
    regions = [yaml.safe_load(path.read_text("utf-8")) for path in definitions]
    patterns = [_words_of_region(region["code"], region["name"]) for region in regions]
    sources = [path for part in ("nmc_utils", "dashboards")
               for path in sorted((CHECKOUT / part).rglob("*.py"))
               if "demo" not in path.relative_to(CHECKOUT).parts]  # fmt: skip
    wrong = [
        f"{path.relative_to(CHECKOUT).as_posix()}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if any(pattern.search(line) for pattern in patterns)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("text", ["код: atlantis", "в Атлантиде", "АТЛАНТИДСКАЯ", "nmc.atlantis()"])
def test_a_region_in_code_is_found(text: str):
    pattern = _words_of_region("atlantis", "Атлантидская область")
    assert pattern.search(text)
    assert not pattern.search("область, republic_of_atlantisia")


# --- glossary and coverage ------------------------------------------------------------------------


def _rows(text: str) -> list[list[str]]:
    """Cells of every table row but headings and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, row in enumerate(rows) if set("".join(row)) <= set("-: ")]
    left_out = {*rules, *(number - 1 for number in rules)}
    return [row for number, row in enumerate(rows) if number not in left_out]


def test_terms_are_sorted_and_their_names_are_in_the_code():
    rows = _rows(_read("docs/glossary.md"))
    terms = [term.casefold().replace("ё", "е") for term, _, _ in rows]
    assert terms == sorted(set(terms))
    sources = [path.read_text("utf-8") for path in (CHECKOUT / "nmc_utils").rglob("*.py")]
    words = set(re.findall(r"\w+", "\n".join(sources)))
    named = [name for *_, names in rows for name in re.findall(r"`(\w+)`", names)]
    assert named and not sorted(set(named) - words)
    assert all(meaning and (names == "—" or "`" in names) for _, meaning, names in rows)


def _wrong_coverage(rows: Iterable[list[str]]) -> list[list[str]]:
    """Rows whose status is none of the three, or is not what the named files and tables say."""
    wrong = []
    for row in rows:
        *_, where, status = row
        names = re.findall(r"`([^`]+)`(:?)", where)
        if status == "есть":
            bad = not names or not all((CHECKOUT / name).is_file() for name, _ in names)
        elif status == "планируется":  # a colon follows what is there and lacks a part
            bad = any(not colon and name in (*SCHEMAS, *NOTEBOOKS) for name, colon in names)
        else:
            bad = not where or bool(names)
        if bad or status not in STATUSES or len(row) != 4:
            wrong.append(row)
    return wrong


def test_coverage_says_what_is_there():
    rows = _rows(_read("docs/coverage.md"))
    assert {status for *_, status in rows} == STATUSES
    assert not _wrong_coverage(rows)


def test_wrong_coverage_is_found():
    for where, status in (
        ("`docs/none.md`", "есть"),
        ("нигде", "есть"),
        ("таблица `staff`", "планируется"),
        ("`02_diagnostics`", "планируется"),
        ("", "не входит"),
        ("`LICENSE`", "скоро"),
    ):
        assert _wrong_coverage([["раздел", "что", where, status]]), (where, status)
    assert not _wrong_coverage([["раздел", "что", "`07_indicators`: часть", "планируется"]])


def test_the_guide_to_a_region_names_every_key_and_column():
    text = (CHECKOUT / "docs" / "region.md").read_text("utf-8")
    models = (
        regions.Region,
        regions.Diagnostics,
        regions.Level,
        regions.Domain,
        regions.Family,
        regions.Document,
        indicator_definitions.Indicator,
        indicator_definitions.Variant,
        indicator_definitions.Quantity,
        populations.Count,
        indicator_definitions.Target,
    )
    for model in models:
        missing = [key for key in model.model_fields if f"`{key}`" not in text]
        assert not missing, f"{model.__name__}: {missing}"
    for column in SCHEMAS["aggregates"].columns.values():
        assert f"| {column.title} |" in text, column.title
    assert ",".join(published.COLUMNS) in text
