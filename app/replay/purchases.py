"""Purchases files in the format of CDNOW, and prices that add up to their dollars to the cent. Pure: lines in, values out."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

from app.errors import FoldstreamError

MOST_CDS = 1_000_000
"""CDs in one line of an order, at most."""

MOST_CREDIT = 10**12
"""Credit limit of a customer, at most (cents)."""

_PURCHASE = re.compile(r"(?P<customer>\d{1,12})(?:\s+\d+)?\s+(?P<day>\d{8})\s+(?P<cds>\d{1,7})\s+(?P<dollars>\d{1,9})\.(?P<cents>\d\d)", re.ASCII)
"""Customer id in the full data set, optionally one in a sample, then date, CDs and dollars."""


class Purchase(NamedTuple):
    """Purchase, from one line of the file."""

    line: int
    customer: str
    day: date
    cds: int
    cents: int


class Totals(NamedTuple):
    """Totals of a file or of the log."""

    orders: int
    customers: int
    cds: int
    cents: int

    @property
    def dollars(self) -> str:
        """Dollars as text, such as `244,091.94`."""
        return _dollars(self.cents)


def purchases(lines: Iterable[str]) -> Iterator[Purchase]:
    """Yield a purchase for each line, except a heading and empty lines. Raise FoldstreamError, which names the line, if one is not a purchase."""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not (number == 1 and text[0].isalpha()):
            yield _purchase(number, text)


def totals(purchased: Iterable[Purchase]) -> Totals:
    """Return the totals of the purchases."""
    listed = list(purchased)
    return Totals(len(listed), len({each.customer for each in listed}), sum(each.cds for each in listed), sum(each.cents for each in listed))


def spent(purchased: Iterable[Purchase]) -> Counter[str]:
    """Return the total that each customer spent (cents)."""
    cents = Counter[str]()
    for purchase in purchased:
        cents[purchase.customer] += purchase.cents
    return cents


def require_credit(purchased: Iterable[Purchase]) -> None:
    """Raise FoldstreamError, which names a customer, if a credit limit cannot be as high as what that customer spent."""
    for customer, cents in spent(purchased).items():
        if cents > MOST_CREDIT:
            raise FoldstreamError(f"customer {customer} spent {_dollars(cents)}, and a limit of credit is at most {_dollars(MOST_CREDIT)}: split the file")


def prices(cds: int, cents: int) -> list[tuple[int, int]]:
    """Return pairs of quantity and price. The quantities add up to `cds`, the products to `cents`, and prices differ by at most a cent."""
    price, dearer = divmod(cents, cds)
    return [(quantity, each) for quantity, each in ((dearer, price + 1), (cds - dearer, price)) if quantity]


def _dollars(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"


def _purchase(number: int, text: str) -> Purchase:
    found = _PURCHASE.fullmatch(text)
    if found is None:
        raise _malformed(number, text, "it should be: customer id, perhaps its id in the sample, date (yyyymmdd), number of CDs, dollars (11.77)")
    cds = int(found["cds"])
    if not 1 <= cds <= MOST_CDS:
        raise _malformed(number, text, f"an order has 1 to {MOST_CDS:,} CDs")
    return Purchase(number, found["customer"], _day(number, text, found["day"]), cds, int(found["dollars"] + found["cents"]))


def _day(number: int, text: str, digits: str) -> date:
    try:
        return datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007 (a calendar day, of no time zone)
    except ValueError as error:
        raise _malformed(number, text, f"there is no day {digits}") from error


def _malformed(number: int, text: str, why: str) -> FoldstreamError:
    return FoldstreamError(f"line {number} is no purchase: {text[:80]!r}; {why}")
