"""How far the values of a sheet reach: a grid too large to read is refused by the cell at fault."""

from __future__ import annotations

from nmc_utils.reading.refusal import RefusalError

#: Cells of a grid, blank ones included: 200 000 × 60 twice over. Each takes 24 bytes in the reader.
MOST_CELLS = 24_000_000
#: A form has at most some hundred items.
MOST_COLUMNS = 1_000
#: A grid larger than this, of which fewer than a tenth of the rows hold anything, has a stray cell.
_SPARSE = 1_000_000
_FEW_ROWS = 10


class Extent:
    """The rows of a sheet that hold values, and how far to the right each of them reaches."""

    def __init__(self, sheet: int):
        self._sheet = sheet
        self._rows: dict[int, int] = {}
        self._n_repeated = 0
        self._widest = (-1, 0, 0)  # column, row, number of values in that row

    def add(self, row: int, column: int, n_values: int) -> None:
        """Take in a row by its last value; rows and columns count from 0."""
        self._rows[row] = max(column, self._rows.get(row, -1))
        if column > self._widest[0]:
            self._widest = (column, row, n_values)

    def add_repeated(self, row: int, column: int, times: int) -> None:
        """Take in a row that stands `times` times, as the last one of them does."""
        self._n_repeated += times - 1
        self._rows[row + times - 1] = column

    def check(self) -> None:
        """Refuse a grid that cannot be read whole.

        Raises
        ------
        RefusalError
            The grid has too many columns or cells; a stray cell is named when it is the cause.
        """
        if not self._rows:
            return
        width, row, n_values = self._widest
        n_rows, n_columns = max(self._rows) + 1, width + 1
        if n_columns > MOST_COLUMNS:
            if n_values < n_columns / 2:
                raise self._stray(row, width)
            raise too_many_columns(self._sheet, n_columns)
        size = n_rows * n_columns
        if size > _SPARSE and (len(self._rows) + self._n_repeated) * 10 < n_rows:
            far = self._behind_gap()
            raise self._stray(far, self._rows[far])
        if size > MOST_CELLS:
            few = len(self._rows) <= _FEW_ROWS
            usual = width if few else sorted(self._rows.values())[-_FEW_ROWS - 1]
            if n_rows * (usual + 1) <= MOST_CELLS:
                raise self._stray(row, width)
            raise too_many_cells(self._sheet)

    def _behind_gap(self) -> int:
        """The first row behind the widest run of rows without values."""
        rows = [-1, *sorted(self._rows)]
        gaps = [(after - before, after) for before, after in zip(rows, rows[1:], strict=False)]
        return max(gaps)[1]

    def _stray(self, row: int, column: int) -> RefusalError:
        return RefusalError(
            f"На листе № {self._sheet} вдали от таблицы есть лишняя ячейка "
            f"{address(row, column)}: из-за неё лист слишком велик и не читается",
            "Удалите строки и столбцы за пределами таблицы (последнюю ячейку показывает "
            "Ctrl+End), сохраните файл и пришлите снова.",
        )


def too_many_columns(sheet: int, n_columns: int) -> RefusalError:
    """Return the refusal of a sheet that is too wide."""
    return RefusalError(
        f"На листе № {sheet} столбцов {n_columns}, а читается не больше 1 000",
        "Оставьте на листе только столбцы формы.",
    )


def too_many_cells(sheet: int) -> RefusalError:
    """Return the refusal of a sheet that is too large."""
    return RefusalError(
        f"На листе № {sheet} больше 24 миллионов ячеек", "Разделите данные на несколько файлов."
    )


def letters(column: int) -> str:
    """Name of a column counted from 0: 0 is «A», 26 is «AA»."""
    name, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def address(row: int, column: int) -> str:
    """Address of a cell; row and column count from 0."""
    return f"{letters(column)}{row + 1}"


def column_of(name: bytes) -> int:
    """Return the number from 0 of the column called so."""
    number = 0
    for letter in name.upper():
        number = number * 26 + letter - 64
    return number - 1
