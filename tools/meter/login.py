"""Who logs in, and how: client address, mechanism, password or keys."""

from __future__ import annotations

from dataclasses import dataclass

from gurux_dlms.enums import Authentication, Security

MECHANISMS = {
    "none": Authentication.NONE,
    "lls": Authentication.LOW,
    "md5": Authentication.HIGH_MD5,
    "sha1": Authentication.HIGH_SHA1,
    "gmac": Authentication.HIGH_GMAC,
    "sha256": Authentication.HIGH_SHA256,
}
PROTECTIONS = {
    "none": Security.NONE,
    "auth": Security.AUTHENTICATION,
    "encr": Security.ENCRYPTION,
    "both": Security.AUTHENTICATION_ENCRYPTION,
}
LEVELS = range(6)
PUBLIC_CLIENT = 16
KEY_SIZE = 16
TITLE_SIZE = 8
MOST_ADDRESS = 0xFFFF  # with the wrapper; HDLC has fewer
MOST = 0xFFFF_FFFF  # an invocation counter has 32 bits


@dataclass(frozen=True)
class Login:
    """`level` 0..5 is the meter's access level; it decides the client address (16, 32 .. 96) unless `client` is given.

    `mechanism`: one of MECHANISMS; `password`: what LLS and the hashes take; `protection`: one of PROTECTIONS, how each
    APDU is ciphered; `encryption_key`, `authentication_key` (16 bytes), `title` (8 bytes): for GMAC and protection.
    `counter`: the client's invocation counter, which must be above the last one that the meter has accepted.
    `short_names`: SN referencing instead of LN. ValueError if something does not fit together.
    """

    level: int = 0
    mechanism: str = "none"
    password: bytes | str = b""
    protection: str = "none"
    encryption_key: bytes = bytes(range(16))
    authentication_key: bytes = bytes(range(0xD0, 0xE0))
    title: bytes = b"CLI\x00\x00\x00\x00\x01"
    counter: int = 0
    client: int | None = None
    server: int = 1
    short_names: bool = False

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"level: {self.level} is not 0..{LEVELS[-1]}")
        if self.mechanism not in MECHANISMS:
            raise ValueError(f"mechanism: {self.mechanism!r} is not one of {', '.join(MECHANISMS)}")
        if self.protection not in PROTECTIONS:
            raise ValueError(f"protection: {self.protection!r} is not one of {', '.join(PROTECTIONS)}")
        if self.mechanism not in ("none", "gmac") and not self.password:
            raise ValueError(f"mechanism {self.mechanism} needs a password, see --password")
        for name, number, least, most in (
            ("client", self.address, 1, MOST_ADDRESS),
            ("server", self.server, 1, MOST_ADDRESS),
            ("counter", self.counter, 0, MOST),
        ):
            if not least <= number <= most:
                raise ValueError(f"{name}: {number} is not {least}..{most}")
        for name, value, size in (
            ("encryption key", self.encryption_key, KEY_SIZE),
            ("authentication key", self.authentication_key, KEY_SIZE),
            ("title", self.title, TITLE_SIZE),
        ):
            if len(value) != size:
                raise ValueError(f"{name}: {size} bytes, not {len(value)}")

    @property
    def address(self) -> int:
        """The client's address (SAP)."""
        return PUBLIC_CLIENT * (self.level + 1) if self.client is None else self.client
