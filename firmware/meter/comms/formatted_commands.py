"""Formatted-code commands: what W2, W4 and E2 can set off, such as `C150`, the reset of the error register."""

from micropython import const

from meter.access import BUSY, DENIED, RANGE, UNKNOWN_CODE, Refused

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable

_CONSUMER = const(5)  # from this level on nothing is set off


class FormattedCommands:
    """`table`: code -> (lowest access level, function of the text in the parentheses).

    The functions raise ValueError if the text is no good and OSError if the memory fails.
    """

    def __init__(self, table: "dict[str, tuple[int, Callable[[str], object]]]"):
        self._table = table

    def execute(self, code: str, text: str, level: int) -> None:
        """Do it, or raise Refused."""
        if code not in self._table:
            raise Refused(UNKNOWN_CODE)
        lowest, function = self._table[code]
        if not lowest <= level < _CONSUMER:
            raise Refused(DENIED)
        try:
            function(text)
        except ValueError:
            raise Refused(RANGE)
        except OSError:
            raise Refused(BUSY)
