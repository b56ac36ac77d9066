"""Field types of messages, with the bounds of the contract (section 2).

Events use the same bounds as commands. A bound may be widened. Narrowing one needs a new schemaVersion, because the log keeps what was once accepted.
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
"""Id of an aggregate, a command, a customer ... that may be in the log."""

NewId = Annotated[str, Field(pattern=NEW_ID, max_length=ID_LENGTH)]
"""Id that a client chooses: `Id` without `.` and `..`, which clients and proxies remove from a URL's path."""

DOTS = frozenset({".", ".."})
"""Ids that may be in the log but can no longer be chosen."""

Text = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH)]
"""Free text. The bounds are in characters."""

PersonalText = Annotated[Text, Field(json_schema_extra={"personal": True})]
"""Text about a person. The JSON schema has the mark `personal`, too."""

Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
"""Quantity in pieces."""

MOST_MONEY = 1_000_000_000_000
"""Largest amount in minor units: the most that can be paid for one order."""

Money = Annotated[int, Field(ge=0, le=MOST_MONEY)]
"""Price or amount in minor units (cents, for EUR) of the currency in the same message."""


def _fits(number: int) -> int:
    """Return the number if it is below 2^63; raise PydanticCustomError otherwise."""
    if number >= 1 << 63:
        raise PydanticCustomError("int64", "Input should be less than 2^63")
    return number


Int64 = AfterValidator(_fits)
"""Bound of the format int64. No schema repeats it, because some languages cannot write 2^63."""

Number = Annotated[int, Field(ge=0), Int64]
"""Number of a partition, or an offset."""

Total = Annotated[int, Field(ge=0)]
"""Sum of money as recorded in the log. Old orders may have more than can be paid, even beyond 64 bits."""

RecordedCurrency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""Currency as recorded in the log. A currency that was withdrawn since must stay readable."""

Currency = Annotated[RecordedCurrency, Listed]
"""Currency that a command may name: one of ISO 4217."""

_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

TIMESTAMP = f"^{_DATE}[Tt]{_TIME}{_OFFSET}$"

Timestamp = Annotated[str, Field(pattern=TIMESTAMP)]
"""Date and time of RFC 3339, kept as written by the sender."""


class NotNull:
    """Marker of an optional field of a command: it may be absent, but null is a value of the wrong type."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the field's schema without `None`. Pydantic does not check the default against it."""
        nullable = handler(source)
        assert nullable["type"] == "nullable", f"NotNull stands on a field that can be None, not on {source}"
        present: CoreSchema = nullable["schema"]
        return present
