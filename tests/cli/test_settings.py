"""Settings: all are shown and documented, secrets are not, and a wrong one is named."""

import json
import re

from app.settings import Settings, variable
from tests.cli.foldstream import ROOT, foldstream

VARIABLES = [variable(name) for name in Settings.model_fields]


def test_every_setting_is_shown_with_its_value() -> None:
    shown = json.loads(foldstream("settings", "--json", partitions=7).stdout)

    assert list(shown) == VARIABLES
    assert shown["FOLDSTREAM_PARTITIONS"] == 7


def test_the_table_tells_what_every_setting_means() -> None:
    printed = " ".join(foldstream("settings").stdout.split())

    for name, field in Settings.model_fields.items():
        assert variable(name) in printed
        assert str(field.description) in printed


def test_the_documented_table_is_that_of_the_code() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `(FOLDSTREAM_\w+)` \| (.*?) \| (.*) \|$", page, re.MULTILINE)

    expected = [(variable(name), _default(field.default), field.description) for name, field in Settings.model_fields.items()]
    assert rows == expected


def test_a_password_in_a_url_is_not_shown() -> None:
    shown = foldstream("settings", "--json", advertised_url="http://me:secret@worker:6066").stdout

    assert json.loads(shown)["FOLDSTREAM_ADVERTISED_URL"] == "http://***@worker:6066"


def test_wrong_settings_are_all_named_without_a_trace() -> None:
    done = foldstream("settings", partitions="many", web_port=70_000)

    assert done.returncode == 1
    assert "FOLDSTREAM_PARTITIONS is 'many'" in done.stderr
    assert "FOLDSTREAM_WEB_PORT is '70000'" in done.stderr
    assert "Traceback" not in done.stderr


def _default(value: object) -> str:
    return "" if value in (None, "") else f"`{value}`"
