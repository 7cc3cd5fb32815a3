"""How files write numbers: signs for decimals and thousands, units beside them, and what is no number."""

import re
from dataclasses import dataclass

from credit_risk.config import Column
from credit_risk.config.columns import KEY_ROLES, Data

PLAIN_SIGNS = str.maketrans("\u00a0\u202f\u2009\u2019", "   '")  # blanks, and the apostrophe of Swiss thousands
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Numerals:
    """How a file writes the numbers of a column: the signs for decimals and thousands, and what stands beside each."""

    decimal: str = "."
    thousands: str | None = None
    unit: str | None = None

    @classmethod
    def of(cls, data: Data, column: Column) -> "Numerals":
        """Those of a column of numbers in a file; words and keys are read as they stand."""
        if column.type not in ("number", "integer") or column.role in (*KEY_ROLES, "target"):
            return cls()
        return cls(data.decimal, data.thousands, column.unit)

    @property
    def are_plain(self) -> bool:
        """Whether every program reads them."""
        return self == Numerals()

    def with_point(self, word: str) -> str | None:
        """The word as every program reads it: 1.234,50 is 1234.50; None for one that is no number so written.

        A sign for thousands stands between groups of three digits, or nowhere, or as in India: 12,34,567; a unit stands
        beside each number.
        """
        bare, unit = word.translate(PLAIN_SIGNS).strip(), (self.unit or "").strip()
        if unit:
            sign = bare[:1] if bare[:1] in "-+" else ""
            amount = bare.removeprefix(sign).strip()
            if amount.startswith(unit) == amount.endswith(unit):
                return None
            bare = sign + amount.removeprefix(unit).removesuffix(unit).strip()
        if self.thousands and self.thousands in bare:
            whole, point, part = bare.partition(self.decimal)
            mark = re.escape(self.thousands)
            if not re.fullmatch(rf"[-+]?(\d{{1,3}}({mark}\d{{3}})+|\d{{1,2}}({mark}\d{{2}})+{mark}\d{{3}})", whole):
                return None
            bare = whole.replace(self.thousands, "") + point + part
        if self.decimal != ".":
            bare = bare.replace(".", "?").replace(self.decimal, ".")
        return bare if is_number(bare) else None


def is_number(word: str) -> bool:
    """Whether a cell is a number, written with a point."""
    return bool(_NUMBER.fullmatch(word.strip()))
