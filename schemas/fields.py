"""The kinds of fields that messages are made of, with the bounds of the contract (section 2).

Events use the same bounds as commands. One may be widened; to narrow one takes a new schemaVersion, for the log keeps what was once accepted.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from schemas.currency import Listed

ID = r"^[A-Za-z0-9._~:@-]{1,128}$"
NEW_ID = r"^(\.*[A-Za-z0-9_~:@-][A-Za-z0-9._~:@-]*|\.{3,})$"
ID_LENGTH = 128
TEXT_LENGTH = 500

Id = Annotated[str, Field(pattern=ID)]
"""Names an aggregate, a command, a customer ... that may be in the log."""

NewId = Annotated[str, Field(pattern=NEW_ID, max_length=ID_LENGTH)]
"""The same where an id is chosen: not `.` or `..`, which clients and proxies take out of a URL's path."""

DOTS = frozenset({".", ".."})
"""The ids that may be in the log and cannot be chosen any more."""

Text = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH)]
"""Free text; the bounds are in characters."""

PersonalText = Annotated[Text, Field(json_schema_extra={"personal": True})]
"""Text about a person; the mark stands in the JSON schema too."""

Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
"""In pieces."""

MOST_MONEY = 1_000_000_000_000
"""The largest amount: all that can be paid for one order."""

Money = Annotated[int, Field(ge=0, le=MOST_MONEY)]
"""A price or an amount in minor units (cents, for EUR) of the currency beside it."""


def _fits(number: int) -> int:
    """The number, if it has at most 64 bits."""
    if number >= 1 << 63:
        raise PydanticCustomError("int64", "Input should be less than 2^63")
    return number


Int64 = AfterValidator(_fits)
"""The bound of the format int64: no schema repeats it, for some languages cannot write 2^63."""

Number = Annotated[int, Field(ge=0), Int64]
"""Of a partition, or an offset."""

Total = Annotated[int, Field(ge=0)]
"""A sum of money as the log has it: orders were once placed with more than can be paid, even beyond 64 bits."""

RecordedCurrency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""A currency as the log has it: one that was withdrawn since must stay readable."""

Currency = Annotated[RecordedCurrency, Listed]
"""A currency as a command may name it: one of ISO 4217."""

_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

TIMESTAMP = f"^{_DATE}[Tt]{_TIME}{_OFFSET}$"

Timestamp = Annotated[str, Field(pattern=TIMESTAMP)]
"""Date and time of RFC 3339, kept as it was written."""


class NotNull:
    """Marks an optional field of a command: it may be left out, but null is a value of the wrong type."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The field's schema without `None`; pydantic does not check the default against it."""
        nullable = handler(source)
        assert nullable["type"] == "nullable", f"NotNull stands on a field that can be None, not on {source}"
        present: CoreSchema = nullable["schema"]
        return present
