"""Text as a terminal may show it: nothing that somebody else wrote ends a line, moves the cursor, sets a colour or turns the direction of writing."""

import json
import re

_CONTROL = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # ends of lines and paragraphs
    "\xad\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible; the joiners of Persian and of emoji are none of these
    "\ud800-\udfff"  # halves of characters, which no encoding takes
    "]"
)


def escaped(text: str) -> str:
    r"""One line of text, in which `\x1b`, `\n` or `\u202e` stands for what would control the terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def escaped_json(text: str) -> str:
    r"""The same for JSON on one line, which means what it meant: in its strings `\u202e` stands for the character itself."""
    return _CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], text)
