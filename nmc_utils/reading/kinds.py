"""What a file is, by its content; whatever is not a table is refused with how to convert it."""

from __future__ import annotations

import re
import struct

from nmc_utils.reading.compound import Compound
from nmc_utils.reading.refusal import ACCEPTED, SAVE_AS_XLSX, RefusalError, damaged, protected
from nmc_utils.reading.xlsx import WITHOUT_MACROS

XLSX, XLS, ODS, TEXT = "xlsx", "xls", "ods", "csv"
_COPY_TABLE = f"{ACCEPTED} Скопируйте таблицу в Excel, сохраните как .xlsx и пришлите снова."
_SEND_UNPACKED = f"Распакуйте архив и пришлите сами файлы. {ACCEPTED}"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGES = rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP"
_OLD_EXCEL = rb"\x09[\x00\x02\x04]\x04\x00|\x09\x08[\x08\x10]\x00"
#: How files begin that are not tables → what they are, and what to do.
_OTHERS = (
    (rb"%PDF", "Это документ PDF", _COPY_TABLE),
    (rb"\{\\rtf", "Это документ RTF", _COPY_TABLE),
    (_IMAGES, "Это изображение", _COPY_TABLE),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ", "Это архив", _SEND_UNPACKED),
    (rb"MZ[\0\x50\x90]|\x7fELF", "Это программа, а не таблица", ACCEPTED),
    (_OLD_EXCEL, "Это книга Excel очень старого вида", SAVE_AS_XLSX),
)
_OF_ARCHIVES = (
    ("word/", "Это документ Word", _COPY_TABLE),
    ("ppt/", "Это презентация", _COPY_TABLE),
    ("Index/", "Это книга Apple Numbers", "Экспортируйте её в Excel (.xlsx) и пришлите снова."),
)
_OF_OPENDOCUMENT = {
    b"text": "Это текстовый документ OpenDocument",
    b"presentation": "Это презентация",
}
_SPREADSHEET = b"application/vnd.oasis.opendocument.spreadsheet"
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|style|div|script)\b", re.I)
_SPREADSHEET_2003 = re.compile(rb"urn:schemas-microsoft-com:office:spreadsheet|Excel\.Sheet")


def kind(content: bytes) -> str:
    """Tell `XLSX`, `XLS`, `ODS` or `TEXT`; an archive is looked into by `kind_of_archive`.

    Raises
    ------
    RefusalError
        The file is empty or something else.
    """
    if not content.strip(b" \t\r\n\xef\xbb\xbf\xff\xfe\0"):
        raise RefusalError("Файл пуст", "Пришлите файл с данными.")
    if content.startswith(_COMPOUND):
        _check_compound(content)
        return XLS
    for pattern, meaning, remedy in _OTHERS:
        if re.match(pattern, content, re.DOTALL):
            raise RefusalError(meaning, remedy)
    if content.startswith(b"PK"):
        return XLSX
    _refuse_markup(content[:65536])
    return TEXT


def kind_of_archive(names: list[str], mimetype: bytes) -> str:
    """Tell `XLSX` or `ODS` by the parts of an archive.

    Raises
    ------
    RefusalError
        It is an archive of something else.
    """
    if mimetype.startswith(_SPREADSHEET):
        return ODS
    lower = {name.lower() for name in names}
    if "xl/workbook.xml" in lower or "xl/workbook.bin" in lower:
        return XLSX
    opendocument = mimetype.rpartition(b"opendocument.")[2].split(b"-")[0]
    if opendocument in _OF_OPENDOCUMENT:
        raise RefusalError(_OF_OPENDOCUMENT[opendocument], _COPY_TABLE)
    for folder, meaning, remedy in _OF_ARCHIVES:
        if any(name.startswith(folder) for name in names):
            raise RefusalError(meaning, remedy)
    if "[content_types].xml" in lower or "mimetype" in lower:
        raise damaged()
    raise RefusalError("Это архив", _SEND_UNPACKED)


def _refuse_markup(head: bytes) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        wide = "utf-16-le" if head.startswith(b"\xff\xfe") else "utf-16-be"
        head = head[2:].decode(wide, "replace").encode("utf-8", "replace")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"MIME-Version:|From:|Content-Type:", start, re.IGNORECASE):
        raise RefusalError("Это веб-страница (MHTML), а не книга Excel", SAVE_AS_XLSX)
    if not start.startswith(b"<"):
        return
    if _SPREADSHEET_2003.search(head):
        raise RefusalError("Это «Таблица XML 2003», а не книга Excel", SAVE_AS_XLSX)
    if _HTML.search(start[:4096]):
        raise RefusalError("Это веб-страница (HTML), а не книга Excel", SAVE_AS_XLSX)
    if re.match(rb"<\?xml|<[A-Za-z_][\w:.-]*[\s/>]", start):
        raise RefusalError("Это документ XML, а не таблица", _COPY_TABLE)


def _check_compound(content: bytes) -> None:
    """Refuse what Office of before 2007 keeps in its container besides workbooks."""
    try:
        names = Compound(content).names
    except (struct.error, IndexError, ValueError) as error:
        raise damaged() from error
    lower = {name.lower() for name in names}
    if lower & {"encryptedpackage", "encryptioninfo"}:
        raise protected()
    if lower & {"worddocument", "powerpoint document", "__properties_version1.0"}:
        raise RefusalError("Это документ Word, презентация или письмо", _COPY_TABLE)
    if not lower & {"workbook", "book"}:
        raise damaged()
    if any(name.startswith("_vba_project") or name in ("vba", "macros") for name in lower):
        raise RefusalError("В книге есть макросы", WITHOUT_MACROS)
    if any(name.startswith("mbd") or name in ("\1ole10native", "ctls") for name in lower):
        raise RefusalError(
            "В книгу вложены посторонние объекты",
            "Удалите из книги вложенные файлы и элементы управления, сохраните как .xlsx и "
            "пришлите снова.",
        )
