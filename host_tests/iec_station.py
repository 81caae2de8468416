"""A scripted HDLC station: the way in and out of HDLC is what it is for, not HDLC."""

from __future__ import annotations

SNRM = bytes.fromhex("7EA00703 21930F01 7E")
UA = bytes.fromhex("7EA0202103737399818014050200800602008007040000000108040000 0001CE6A7E")
DISC = bytes.fromhex("7EA00703215303C77E")
INACTIVE_MS = 5000


class Script:
    """Answers SNRM and DISC with UA after 20 ms, is over after DISC or when nothing comes for a while."""

    def __init__(self, baud: int, now: int) -> None:
        self.baud = baud
        self.state, self.over = 0, False
        self.heard = b""
        self._since = now
        self._answer = b""
        self._leaving = False

    @property
    def active(self) -> bool:
        return self.state != 0

    def feed(self, data: bytes, now: int) -> None:
        self.heard += data
        self._since = now
        if self.heard.endswith((SNRM, DISC)):
            self.state = 1
            self._answer = UA
            self._leaving = self.heard.endswith(DISC)

    def tick(self, now: int) -> tuple[bytes, ...] | None:
        passed = now - self._since & 0x3FFFFFFF
        if self._answer and passed >= 20:
            answer, self._answer = self._answer, b""
            return (answer[:5], answer[5:])
        self.over = self.over or passed >= INACTIVE_MS
        return None

    def sent(self, now: int) -> None:
        self._since = now
        self.over = self._leaving

    def wait_ms(self, now: int) -> int:
        return max(0, (20 if self._answer else INACTIVE_MS) - (now - self._since & 0x3FFFFFFF))


class Stations(list[Script]):
    """Makes stations and keeps them."""

    def __call__(self, baud: int, now: int) -> Script:
        self.append(Script(baud, now))
        return self[-1]
