"""Text that is safe to print on a terminal. Foreign text cannot end a line, move the cursor, set a colour or change the direction of writing."""

import json
import re

_CONTROL = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # ends of lines and paragraphs
    "\xad\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible; the joiners of Persian and of emoji are not among them
    "\ud800-\udfff"  # halves of characters, which no encoding takes
    "]"
)


def escaped(text: str) -> str:
    r"""Return one line of text in which escapes such as `\x1b`, `\n` or `\u202e` replace the characters that control a terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def escaped_json(text: str) -> str:
    r"""Escape JSON on one line without changing its meaning: in its strings, `\u202e` stands for the character itself."""
    return _CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], text)
