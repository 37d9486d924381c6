"""A zip archive that may be a trap: checked by its directory, unpacked in pieces."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from nmc_utils.reading.refusal import SAVE_AS_XLSX, RefusalError, damaged, protected

MB = 2**20
_PIECE = 4 * MB
_HEAD = 64 * 1024
#: 200 000 rows × 60 columns take 350–550 MB, by the program that wrote them.
_LARGEST = 1024 * MB
#: Unpacked size above which a ratio is suspicious: honest sheets, also those of constant columns,
#: shrink 8 to 30 times; runs of one byte a thousand times.
_RATIOS = ((4 * MB, 200), (32 * MB, 40))
_MOST_ENTRIES = 5_000
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_BEFORE_ROOT = re.compile(rb"\s*(?:(?:<\?.*?\?>|<!--.*?-->)\s*)*", re.DOTALL)
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")


class Archive:
    """A zip archive whose directory tells the truth; its parts are read in pieces.

    Raises
    ------
    RefusalError
        The archive is damaged, protected, or unpacks to more than any honest workbook.
    """

    def __init__(self, content: bytes):
        self._content = content
        try:
            with ZipFile(BytesIO(content)) as opened:
                entries = opened.infolist()
        except (BadZipFile, ValueError, NotImplementedError, struct.error, OSError) as error:
            raise damaged() from error
        self._parts = {entry.filename: entry for entry in entries}
        _check_sizes(entries)
        if len(self._parts) < len(entries):
            raise damaged()
        self._starts = self._check_places(entries)

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    @property
    def names(self) -> list[str]:
        """Names of the parts."""
        return list(self._parts)

    @property
    def size(self) -> int:
        """Bytes of all parts unpacked."""
        return sum(entry.file_size for entry in self._parts.values())

    def part(self, name: str, most: int = 64 * MB) -> bytes:
        """Return a part whole."""
        if self._parts[name].file_size > most:
            raise too_large()
        return b"".join(self.pieces(name))

    def head(self, name: str) -> bytes:
        """Return the beginning of a part, 64 KB or more if it has as much."""
        head = b""
        for piece in self.pieces(name, _HEAD):
            head += piece
            if len(head) >= _HEAD:
                break
        return head

    def pieces(self, name: str, size: int = _PIECE) -> Iterator[bytes]:
        """Unpack a part piece by piece; its length and checksum must be as declared."""
        entry = self._parts[name]
        start = self._starts[name]
        packed = memoryview(self._content)[start : start + entry.compress_size]
        stored = entry.compress_type == ZIP_STORED
        unpacked = _stored(packed, size) if stored else _inflated(packed, size)
        total = checksum = 0
        for piece in unpacked:
            total += len(piece)
            if total > entry.file_size:
                raise damaged()
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if total != entry.file_size or checksum != entry.CRC:
            raise damaged()

    def _check_places(self, entries: list[ZipInfo]) -> dict[str, int]:
        """Where the data of each part begin; no two parts may share bytes."""
        starts, end = {}, 0
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            header = self._content[entry.header_offset : entry.header_offset + _LOCAL_HEADER.size]
            if entry.header_offset < end or len(header) < _LOCAL_HEADER.size:
                raise damaged()
            signature, name, extra = _LOCAL_HEADER.unpack(header)
            start = entry.header_offset + _LOCAL_HEADER.size + name + extra
            end = start + entry.compress_size
            if signature != b"PK\3\4" or end > len(self._content):
                raise damaged()
            starts[entry.filename] = start
        return starts


def too_large() -> RefusalError:
    """Return the refusal of what unpacks to more than can be read."""
    return RefusalError(
        "Файл при распаковке слишком велик и не читается",
        "Удалите лишние листы и оформление или разделите данные на несколько файлов.",
    )


def _check_sizes(entries: list[ZipInfo]) -> None:
    if any(entry.flag_bits & 1 for entry in entries):
        raise protected()
    if any(entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for entry in entries):
        raise RefusalError("Файл сжат необычным способом", SAVE_AS_XLSX)
    if len(entries) > _MOST_ENTRIES:
        raise too_large()
    sizes = [(entry.file_size, entry.compress_size) for entry in entries]
    sizes.append((sum(size for size, _ in sizes), sum(packed for _, packed in sizes)))
    for size, packed in sizes:
        ratio = size / max(packed, 1)
        if size > _LARGEST or any(size > least and ratio > most for least, most in _RATIOS):
            raise too_large()


def _stored(packed: memoryview, size: int) -> Iterator[bytes]:
    for start in range(0, len(packed), size):
        yield bytes(packed[start : start + size])


def _inflated(packed: memoryview, size: int) -> Iterator[bytes]:
    """Unpack in pieces of at most `size`, so that no length is believed."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    fed = 0
    try:
        while not inflater.eof:
            waiting = inflater.unconsumed_tail
            if not waiting:
                waiting = packed[fed : fed + 256 * 1024]
                fed += len(waiting)
            piece = inflater.decompress(waiting, size)
            if piece:
                yield piece
            elif not waiting:
                raise damaged()
    except zlib.error as error:
        raise damaged() from error


def refuse_declarations(archive: Archive) -> None:
    """Refuse an archive of which an XML part declares a document type or entities.

    Raises
    ------
    RefusalError
        A part declares them, or is not in UTF-8, where a declaration could hide.
    """
    for name in archive.names:
        head = archive.head(name)
        if head.startswith(_UTF16) and (name.endswith((".xml", ".rels")) or b"\x00?" in head[:8]):
            wide = "utf-16-be" if head.startswith((b"\xfe\xff", b"\x00")) else "utf-16-le"
            _refuse_declaration(head.decode(wide, "replace").lstrip("\ufeff").encode("utf-8"))
            raise RefusalError("Файл записан в кодировке, которой Excel не пишет", SAVE_AS_XLSX)
        head = head.removeprefix(b"\xef\xbb\xbf")
        if head.lstrip()[:1] == b"<" or not head.strip() and len(head) >= _HEAD - 3:
            _refuse_declaration(head)


def _refuse_declaration(head: bytes) -> None:
    rest = head[_BEFORE_ROOT.match(head).end() :]  # type: ignore[union-attr]
    is_endless = not rest and len(head) >= _HEAD - 3  # 3 is the length of the mark of UTF-8
    if rest.startswith((b"<!", b"<?")) or is_endless:  # a root element begins with its name
        raise RefusalError(
            "В файле есть объявления XML (DTD), которых Excel не пишет: такой файл небезопасен",
            SAVE_AS_XLSX,
        )
