"""The container of Office before 2007, [MS-CFB]: its directory and its streams."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_END = 0xFFFFFFFA  # sector numbers from here on are marks
_SHORTEST = 4096  # shorter streams stand elsewhere; a workbook is longer


class Compound:
    """A compound file; malformed ones raise `struct.error`, `IndexError` or `ValueError`."""

    def __init__(self, content: bytes):
        self._content = content
        self._size = 1 << struct.unpack_from("<H", content, 30)[0]
        if self._size not in (512, 4096):
            raise ValueError(self._size)
        n_fat, directory = struct.unpack_from("<II", content, 44)
        self._fat = list(struct.unpack_from("<109I", content, 76)[:n_fat])
        following, n_tables = struct.unpack_from("<II", content, 68)
        for _ in range(min(n_tables, len(content) // self._size)):
            at = (following + 1) * self._size
            *places, following = struct.unpack_from(f"<{self._size // 4}I", content, at)
            self._fat += [place for place in places if place < _END]
        self._entries = dict(self._read_directory(directory))

    @property
    def names(self) -> list[str]:
        """Names of the streams and storages."""
        return list(self._entries)

    def stream(self, name: str) -> bytes:
        """Return a stream, or nothing when there is none of this name and of usual length."""
        start, length = self._entries.get(name, (0, 0))
        if length < _SHORTEST:
            return b""
        return b"".join(self._sectors(start))[:length]

    def _read_directory(self, start: int) -> Iterator[tuple[str, tuple[int, int]]]:
        for sector in self._sectors(start):
            for at in range(0, self._size, 128):
                length, kind = struct.unpack_from("<HB", sector, at + 64)
                if kind:
                    name = sector[at : at + max(min(length, 64) - 2, 0)]
                    place = struct.unpack_from("<II", sector, at + 116)
                    yield name.decode("utf-16-le", "replace"), place

    def _sectors(self, sector: int) -> Iterator[bytes]:
        """The sectors of a chain."""
        per_table = self._size // 4
        seen = set()
        while sector < _END:
            if sector in seen:
                raise ValueError("a chain without an end")
            seen.add(sector)
            at = (sector + 1) * self._size
            yield self._content[at : at + self._size].ljust(self._size, b"\0")
            table = (self._fat[sector // per_table] + 1) * self._size
            sector = struct.unpack_from("<I", self._content, table + sector % per_table * 4)[0]
