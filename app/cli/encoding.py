"""Encoding of input files: UTF-8, with or without a byte order mark. The error for any other encoding names it."""

import codecs
from collections.abc import Iterable, Iterator

from app.errors import FoldstreamError

_OTHERS = {
    codecs.BOM_UTF32_LE: "is UTF-32: save it as UTF-8",
    codecs.BOM_UTF32_BE: "is UTF-32: save it as UTF-8",
    codecs.BOM_UTF16_LE: "is UTF-16: save it as UTF-8",
    codecs.BOM_UTF16_BE: "is UTF-16: save it as UTF-8",
    b"\x1f\x8b": "is compressed: `gzip -dc FILE` unpacks it, and - reads standard input",
}
"""First bytes of files that are not UTF-8, with what the error says. UTF-32 comes first, because its little-endian mark begins with that of UTF-16."""


def plain_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Remove byte order marks from lines, also in the middle, where files were joined. Raise FoldstreamError if the text is not UTF-8."""
    try:
        for number, line in enumerate(lines, 1):
            if number == 1:
                _require_utf8(line)
            yield line.removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise FoldstreamError(f"cannot read the file: {error.strerror}") from error


def _require_utf8(beginning: bytes) -> None:
    for mark, what in _OTHERS.items():
        if beginning.startswith(mark):
            raise FoldstreamError(f"the file {what}")
    if b"\0" in beginning[:4]:  # the first character of JSON, and of most text, is ASCII
        raise FoldstreamError("the file has zero bytes where UTF-8 has none: if it is UTF-16 or UTF-32, save it as UTF-8")
