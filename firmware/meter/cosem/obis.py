"""OBIS codes (IEC 62056-61): six numbers A-B:C.D.E*F, here as 6 bytes, and their short printed form.

Readouts print `C.D.E`, with letters for the abstract groups of C: C = 96, F = 97, L = 98, P = 99. These have A = B = 0,
general electricity objects (C = 0) are 1-0:, measured quantities 1-B: with a channel B that this product family sets
to 1. Other objects, the clock `0-0:1.0.0` for one, are named in full.
"""

_LETTERS = {96: "C", 97: "F", 98: "L", 99: "P"}
_NUMBERS = {"C": 96, "F": 97, "L": 98, "P": 99}


def parse(code: str, channel: int = 1) -> bytes:
    """6-byte OBIS code of a short code `[A-B:]C.D[.E][*F]`. ValueError says what is wrong with a malformed one."""
    try:
        group, _, rest = code.rpartition(":")
        rest, _, billing = rest.partition("*")
        parts = [_NUMBERS[p] if p in _NUMBERS else int(p) for p in rest.split(".")]
        if not 2 <= len(parts) <= 3:
            raise ValueError
        if len(parts) == 2:
            parts.append(0 if parts[0] < 96 else 255)
        if group:
            a, _, b = group.partition("-")
            media = [int(a), int(b)]
        else:
            media = _media(parts[0], channel)
        return bytes(media + parts + [int(billing) if billing else 255])
    except ValueError:
        raise ValueError("not an OBIS code: " + code)


def short(obis: bytes) -> str:
    """Printed form `C.D.E` (`F.F` and the like without E) and `*F`; A, B and an F of 255 are left out."""
    c, d, e, f = obis[2], obis[3], obis[4], obis[5]
    text = _digit(c) + "." + ("F" if c == d == 97 else str(d))
    if e != 255:
        text += "." + str(e)
    if f != 255:
        text += "*%02d" % f
    return text


def _media(c: int, channel: int) -> list[int]:
    if c in _LETTERS:
        return [0, 0]
    return [1, 0] if c == 0 else [1, channel]


def _digit(n: int) -> str:
    return _LETTERS.get(n) or str(n)
