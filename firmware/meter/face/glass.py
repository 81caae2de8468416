"""The glass: which element of the LCD driver is which segment or symbol. Data only; no other file knows the wiring.

Element number = 4 x column + row of the driver's RAM, 0..159; in the 20 bytes of RAM that is byte `number >> 3`, mask
`0x80 >> (number & 7)`. Digits are wired as the driver's data sheet recommends for 1:4 (one RAM byte a digit, MSB first:
a c b point f e g d). A meter with another glass has another table.

    cross and arrows   L1 L2 L3   communication battery error test
                                             M k V A W var h Hz % degC
    index field, 7 digits      value field, 8 digits
    operating arrows 1..12
"""

ELEMENTS = 160
ABSENT = 255

# Segments a, b, c, d, e, f, g of each digit, left to right.
VALUE_DIGITS = (
    bytes((0, 2, 1, 7, 5, 4, 6)),
    bytes((8, 10, 9, 15, 13, 12, 14)),
    bytes((16, 18, 17, 23, 21, 20, 22)),
    bytes((24, 26, 25, 31, 29, 28, 30)),
    bytes((32, 34, 33, 39, 37, 36, 38)),
    bytes((40, 42, 41, 47, 45, 44, 46)),
    bytes((48, 50, 49, 55, 53, 52, 54)),
    bytes((56, 58, 57, 63, 61, 60, 62)),
)
INDEX_DIGITS = (
    bytes((64, 66, 65, 71, 69, 68, 70)),
    bytes((72, 74, 73, 79, 77, 76, 78)),
    bytes((80, 82, 81, 87, 85, 84, 86)),
    bytes((88, 90, 89, 95, 93, 92, 94)),
    bytes((96, 98, 97, 103, 101, 100, 102)),
    bytes((104, 106, 105, 111, 109, 108, 110)),
    bytes((112, 114, 113, 119, 117, 116, 118)),
)

# Dots between a digit and the next: the decimal point on the base line, and the raised dot above it. Both together are
# a colon. The value field needs the colon for times only (hh:mm:ss, right aligned), so most places lack the raised dot.
VALUE_POINTS = bytes((3, 11, 19, 27, 35, 43, 51))
VALUE_RAISED = bytes((ABSENT, ABSENT, ABSENT, 59, ABSENT, 115, ABSENT))
INDEX_POINTS = bytes((67, 75, 83, 91, 99, 107))
INDEX_RAISED = bytes((120, 121, 122, 123, 124, 125))

# The unit field from left to right: a unit is composed of its parts, each used at most once and in this order.
UNITS = (
    ("M", 126),
    ("k", 127),
    ("V", 128),
    ("A", 129),
    ("W", 130),
    ("var", 131),
    ("h", 132),
    ("Hz", 133),
    ("%", 134),
    ("°C", 135),
)

SYMBOLS = {
    "L1": 136,
    "L2": 137,
    "L3": 138,
    "quadrant": 139,  # the cross the four direction arrows stand at
    "+P": 140,
    "-P": 141,
    "+Q": 142,
    "-Q": 143,
    "comm": 144,
    "battery": 145,
    "error": 146,
    "test": 147,
    "op1": 148,  # operating arrows, bottom row
    "op2": 149,
    "op3": 150,
    "op4": 151,
    "op5": 152,
    "op6": 153,
    "op7": 154,
    "op8": 155,
    "op9": 156,
    "op10": 157,
    "op11": 158,
    "op12": 159,
}

# Seven-segment characters; bit 0 = a ... bit 6 = g. Of characters that look alike the first one is read back.
FONT = {
    "0": 0x3F,
    "1": 0x06,
    "2": 0x5B,
    "3": 0x4F,
    "4": 0x66,
    "5": 0x6D,
    "6": 0x7D,
    "7": 0x07,
    "8": 0x7F,
    "9": 0x6F,
    " ": 0x00,
    "-": 0x40,
    "_": 0x08,
    "=": 0x48,
    "°": 0x63,
    "A": 0x77,
    "b": 0x7C,
    "C": 0x39,
    "c": 0x58,
    "d": 0x5E,
    "E": 0x79,
    "F": 0x71,
    "G": 0x3D,
    "H": 0x76,
    "h": 0x74,
    "i": 0x04,
    "J": 0x1E,
    "L": 0x38,
    "l": 0x30,
    "n": 0x54,
    "o": 0x5C,
    "P": 0x73,
    "q": 0x67,
    "r": 0x50,
    "t": 0x78,
    "U": 0x3E,
    "u": 0x1C,
    "y": 0x6E,
    "I": 0x06,
    "O": 0x3F,
    "S": 0x6D,
    "Z": 0x5B,
}
