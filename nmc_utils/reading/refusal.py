"""Why a file is refused, and what is wrong with single cells: a meaning and what to do."""

from __future__ import annotations

from typing import NamedTuple

SAVE_AS_XLSX = "Откройте файл в Excel, сохраните как «Книга Excel (*.xlsx)» и пришлите снова."
SEND_AGAIN = "Пришлите его заново."
ACCEPTED = "Принимаются книги xlsx, xls и ods и таблицы csv."
SAVE_TEXT = "Сохраните таблицу как «CSV UTF-8 (разделитель — запятая)» или книгой .xlsx."


class RefusalError(ValueError):
    """A file is not read; the message is the meaning, `remedy` what to do."""

    def __init__(self, meaning: str, remedy: str):
        super().__init__(meaning)
        self.remedy = remedy


class Fault(NamedTuple):
    """Why a cell holds no value that may be used, and what to do about it."""

    meaning: str
    remedy: str


def damaged() -> RefusalError:
    """Return the refusal of a file that is cut off or changed on its way."""
    return RefusalError("Файл повреждён", SEND_AGAIN)


def protected() -> RefusalError:
    """Return the refusal of a file that opens with a password."""
    return RefusalError("Файл защищён паролем", "Снимите пароль и пришлите файл снова.")


def unusual() -> RefusalError:
    """Return the refusal of cells in a spelling of XML of which the reader loses the values."""
    return RefusalError(
        "В файле необычная запись ячеек (CDATA), какой Excel не пишет", SAVE_AS_XLSX
    )


NO_VALUE = Fault(
    "Формула без значения",
    "Откройте файл в Excel и сохраните, или вставьте вместо формулы её значение.",
)
CONTROL = Fault(
    "В ячейке есть управляющие символы", "Наберите значение ячейки заново, без вставки."
)
#: Longer than any honest answer; Excel itself ends at 32 767.
LONGEST_TEXT = 32_000
TOO_LONG = Fault("Текст ячейки длиннее 32 000 знаков", "Сократите текст ячейки.")

_IN_RUSSIAN = {
    "#NULL!": "#ПУСТО!",
    "#DIV/0!": "#ДЕЛ/0!",
    "#VALUE!": "#ЗНАЧ!",
    "#REF!": "#ССЫЛКА!",
    "#NAME?": "#ИМЯ?",
    "#NUM!": "#ЧИСЛО!",
    "#N/A": "#Н/Д",
    "#GETTING_DATA": "#ОЖИДАНИЕ_ДАННЫХ",
    "#SPILL!": "#ПЕРЕНОС!",
    "#CALC!": "#ВЫЧИС!",
    "#FIELD!": "#ПОЛЕ!",
    "#BLOCKED!": "#ЗАБЛОКИРОВАНО!",
    "#UNKNOWN!": "#НЕИЗВЕСТНО!",
    "#CONNECT!": "#ПОДКЛЮЧИТЬ!",
    "#DATA!": "#ДАННЫЕ!",
}
#: How a spreadsheet, Russian or English, writes an error → what the fault calls it.
_ERRORS = {
    **{name: f"{russian} ({name})" for name, russian in _IN_RUSSIAN.items()},
    **{russian: f"{russian} ({name})" for name, russian in _IN_RUSSIAN.items()},
    "#Н/Д!": "#Н/Д (#N/A)",
    "#N/A!": "#Н/Д (#N/A)",
}


def error_in(text: str) -> Fault | None:
    """Return the fault of a cell whose text is an error of a spreadsheet."""
    found = _ERRORS.get(text.upper())
    if found is None and text.startswith("Err:") and text[4:].isdigit():
        found = text
    if found is not None:
        remedy = "Исправьте формулу или впишите значение; если сведений нет, очистите ячейку."
        return Fault(f"В ячейке ошибка {found}", remedy)
    if len(text) > 1 and not text.strip("#"):
        meaning = "В ячейке вместо значения решётки: столбец был слишком узок"
        return Fault(meaning, "Расширьте столбец и сохраните файл снова.")
    return None
