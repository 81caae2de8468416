"""The glass table: every element of the driver is one thing on the glass, and characters can be told apart."""

from __future__ import annotations

from collections import Counter

from meter.face import glass

# Digits 0..9 in the 1:4 wiring a c b DP f e g d (MSB first), as published with several PCF8576 libraries.
PUBLISHED_DIGITS = (0xED, 0x60, 0xA7, 0xE3, 0x6A, 0xCB, 0xCF, 0xE0, 0xEF, 0xEB)

# Look-alikes on seven segments: these are read back as the digit.
LOOK_ALIKES = {"I": "1", "O": "0", "S": "5", "Z": "2"}


def all_elements() -> list[int]:
    digits = [element for digit in glass.VALUE_DIGITS + glass.INDEX_DIGITS for element in digit]
    dots = [*glass.VALUE_POINTS, *glass.VALUE_RAISED, *glass.INDEX_POINTS, *glass.INDEX_RAISED]
    named = [element for _, element in glass.UNITS] + list(glass.SYMBOLS.values())
    return [element for element in digits + dots + named if element != glass.ABSENT]


def test_every_element_is_used_exactly_once() -> None:
    assert Counter(all_elements()) == Counter(range(160))


def test_field_sizes_are_those_of_the_data_sheet() -> None:
    assert (len(glass.VALUE_DIGITS), len(glass.INDEX_DIGITS)) == (8, 7)
    assert {len(digit) for digit in glass.VALUE_DIGITS + glass.INDEX_DIGITS} == {7}
    assert (len(glass.VALUE_POINTS), len(glass.INDEX_POINTS)) == (7, 6)


def test_digits_make_the_published_codes() -> None:
    for place, digit in enumerate(glass.VALUE_DIGITS + glass.INDEX_DIGITS):
        for figure, code in enumerate(PUBLISHED_DIGITS):
            pattern = glass.FONT[str(figure)]
            lit = {element for n, element in enumerate(digit) if pattern >> n & 1}
            assert lit == {8 * place + bit for bit in range(8) if code & 0x80 >> bit}


def test_letters_of_index_and_messages_exist() -> None:
    known = set(glass.FONT)
    assert set("0123456789CFLPEro- ") <= known
    assert set("ABCDEF") <= {char.upper() for char in known}, "error register F.F is hexadecimal"


def test_characters_are_told_apart_but_for_the_known_look_alikes() -> None:
    first: dict[int, str] = {}
    alike = {}
    for char, pattern in glass.FONT.items():
        if first.setdefault(pattern, char) != char:
            alike[char] = first[pattern]
    assert alike == LOOK_ALIKES


def test_every_place_of_a_clock_has_its_colon() -> None:
    """hh:mm:ss right aligned in eight digits: colons after the fourth and the sixth."""
    assert [raised != glass.ABSENT for raised in glass.VALUE_RAISED] == [False, False, False, True, False, True, False]
