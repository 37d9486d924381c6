"""Drafts of individual routes (ИОМ): a Word document for each person, all of them in one archive.

The layout is built once with python-docx, with Jinja fields in its cells; a draft is that layout
with the fields filled. Parts of python-docx's own layout that no draft uses are left out.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence

import pandas as pd
from docx.document import Document as Layout
from jinja2 import Environment, StrictUndefined, Template

from nmc_utils.documents.route_layout import route_layout
from nmc_utils.documents.route_people import Draft, drafts, procedure_of
from nmc_utils.documents.route_said import compared, of_kind
from nmc_utils.editions import Edition
from nmc_utils.wording import day, percent

_BODY = "word/document.xml"
_DATE = (1980, 1, 1, 0, 0, 0)  # of every member: the same drafts are the same bytes
#: What XML 1.0 cannot hold.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def route_archive(
    published: Mapping[str, pd.DataFrame],
    records: Mapping[str, pd.DataFrame],
    edition: Edition,
    *,
    names: Mapping[str, str] | None = None,
) -> tuple[bytes, int]:
    """Write the drafts of an edition as one zip, a docx for each person tested at entry.

    A draft has the four sections of the regulation: about the person, deficits found, map of
    development over four levels, assessment. It gives the document's result and beside it how sure
    that is, the seminar group, events of the catalogue for the person's deficits, dates and
    approvals as they were sent; what is not known is said or left as a field to fill in. The same
    tables give the same bytes.

    Parameters
    ----------
    published
        Tables of one run of `edition`: `route_people.TABLES`.
    records
        Canonical tables: `route_people.RECORDS`.
    names
        Person → full name, for copies with names; without it people go by pseudonym.

    Returns
    -------
    bytes, int
        The archive and how many drafts are in it.

    Raises
    ------
    ValueError
        The run has no results of single persons.
    """
    names = names or {}
    people = list(drafts(published, records, edition, names))
    layout = route_layout(edition, is_named=bool(names))
    return _zipped(people, layout, names, said=_said(published, edition)), len(people)


def _zipped(
    people: Sequence[Draft], layout: Layout, names: Mapping[str, str], *, said: Mapping[str, str]
) -> bytes:
    """One document a person, in the order given."""
    parts, template = _as_template(layout)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for draft in people:
            name = names.get(draft.person_id, "")
            body = template.render(draft=draft, full_name=name, said=said)
            member = zipfile.ZipInfo(f"ИОМ {draft.person_id}.docx", _DATE)
            archive.writestr(member, _packed(parts, body))
    return content.getvalue()


def _packed(parts: Mapping[str, bytes], body: str) -> bytes:
    """A docx: the parts that are the same for everyone, and the body of one person."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for name, part in parts.items():
            data = body.encode() if name == _BODY else part
            package.writestr(zipfile.ZipInfo(name, _DATE), data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _as_template(layout: Layout) -> tuple[dict[str, bytes], Template]:
    """Parts of the package, and its body as a template; text that is filled in stays text."""
    content = io.BytesIO()
    layout.save(content)
    with zipfile.ZipFile(content) as package:
        parts = {info.filename: package.read(info) for info in package.infolist()}
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_plain, keep_trailing_newline=True
    )
    return parts, environment.from_string(parts[_BODY].decode())


def _plain(value: object) -> object:
    return _NO_XML.sub(" ", value) if isinstance(value, str) else value


def _said(published: Mapping[str, pd.DataFrame], edition: Edition) -> dict[str, str]:
    """What every draft says of the edition; fields too, so that text of the data stays text."""
    region = edition.region
    return {
        "place": region.name,
        "period": edition.period.label,
        "center": region.center,
        "as_of": day(edition.as_of),
        "procedure": procedure_of(published),
        "rule": region.rule_words,
        "cut": percent(region.diagnostics.deficit_cut),
        "source": region.cut_source,
        "of_kind": of_kind(region),
        "compared": compared(published, region),
    }
