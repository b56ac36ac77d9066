"""`foldstream send`: what cannot be sent is said before anything is."""

import pytest

from tests.cli.foldstream import foldstream

GOOD = '{"commandId": "c", "aggregateType": "Order", "aggregateId": "o"}'


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        ('{"aggregateType": "Order", "aggregateId": "o"}', "commandId"),
        ('{"commandId": 1, "aggregateType": "Order", "aggregateId": "o"}', "commandId"),
        ('{"commandId": "c", "aggregateType": "Saga", "aggregateId": "o"}', "'Saga' takes no commands"),
    ],
)
def test_a_line_that_is_no_command_is_named_by_its_number(line: str, complaint: str) -> None:
    done = foldstream("send", "-", stdin=f"{GOOD}\n\n{line}\n")

    assert done.returncode == 1
    assert done.stderr.startswith("foldstream: line 3 is no command, so nothing was sent")
    assert complaint in done.stderr
