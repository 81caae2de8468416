"""Characters, block check and messages of IEC 62056-21 (clauses 6.2, 6.3)."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SOH = const(0x01)
STX = const(0x02)
ETX = const(0x03)
EOT = const(0x04)
ACK = const(0x06)
LF = const(0x0A)
CR = const(0x0D)
NAK = const(0x15)

SIGN_OFF = b"\x01B0\x03q"  # SOH B0 ETX BCC, legal at any point of a session
ACKNOWLEDGED = b"\x06"
REPEAT_REQUEST = b"\x15"
RATES = (300, 600, 1200, 2400, 4800, 9600, 19200)  # Bd, by baud rate identification 0..6 of mode C
INITIAL_RATE = const(300)


def block_check(data: bytes, value: int = 0) -> int:
    """Block check character so far: XOR of the 7-bit characters of `data` into `value`.

    It covers everything after the first SOH or STX of a block, up to and including its ETX or EOT (clause 6.2).
    """
    for char in data:
        value ^= char
    return value & 0x7F


def rate_of(character: int) -> int:
    """Line rate (Bd) of a mode C baud rate identification, given as its character code; 0 if it names none."""
    number = character - 0x30
    return RATES[number] if 0 <= number < len(RATES) else 0


def with_parity(data: bytes) -> bytes:
    """`data` with even parity as bit 7 of each character, for a channel of 8 bits that knows no parity."""
    out = bytearray(data)
    for n in range(len(out)):
        ones = out[n] & 0x7F
        ones ^= ones >> 4
        ones ^= ones >> 2
        ones ^= ones >> 1
        out[n] = out[n] & 0x7F | (ones & 1) << 7
    return bytes(out)


def data_message(lines: "Iterable[bytes]") -> "Iterator[bytes]":
    """The data message `STX lines ! CR LF ETX BCC` in pieces of at most one line (clause 6.3.4).

    `lines` are data lines without CR LF. The block check is computed on the way, so only one line is held at a time.
    If the memory fails meanwhile (OSError), the message ends there, with a block check that does not hold.
    """
    check = 0
    yield b"\x02"
    try:
        for line in lines:
            piece = line + b"\r\n"
            check = block_check(piece, check)
            yield piece
    except OSError:
        check = 0x7F ^ check
    yield b"!\r\n\x03"
    yield bytes((block_check(b"!\r\n\x03", check),))


def command_message(name: bytes, data: bytes) -> bytes:
    """The command message `SOH name STX data ETX BCC` of programming mode, e.g. for `P0` and `()` (clause 6.3.5)."""
    block = name + b"\x02" + data + b"\x03"
    return b"\x01" + block + bytes((block_check(block),))


def answer_message(data: bytes) -> bytes:
    """The data message `STX data ETX BCC` of programming mode, which also carries the errors (clauses 6.3.6, 6.3.7)."""
    return _block(data, b"\x03")


def partial_block(data: bytes) -> bytes:
    """`STX data EOT BCC`: a block of an answer that more blocks follow (clause 6.3.12)."""
    return _block(data, b"\x04")


def _block(data: bytes, end: bytes) -> bytes:
    block = data + end
    return b"\x02" + block + bytes((block_check(block),))
