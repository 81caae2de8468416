"""What client and meter say to each other, as text that a reviewer can read."""

from __future__ import annotations

from pathlib import Path

from host_tests.iec_meter import LineMeter
from tools.bench.process import ROOT

GOLDEN = Path(__file__).parent / "golden"
_NAMES = {0: "NUL", 1: "SOH", 2: "STX", 3: "ETX", 4: "EOT", 6: "ACK", 10: "LF", 13: "CR", 21: "NAK"}


class RecordedMeter(LineMeter):
    """Keeps a transcript: who speaks at which rate, a line of it for each line on the wire."""

    said: list[tuple[int, str, int, bytes]]

    def say(self, data: bytes, baud: int = 300, frame: str = "7E1") -> int:
        self.__dict__.setdefault("said", []).append((self.now, "client", baud, data))
        return super().say(data, baud, frame)

    def transcript(self) -> str:
        """All that has been said so far."""
        messages = self.said + [(sent.begin_ns, "meter", sent.baud, sent.data) for sent in self.sent]
        return "".join(_lines(*message[1:]) for message in sorted(messages))


def _lines(who: str, baud: int, data: bytes) -> str:
    text = ""
    for n, part in enumerate(data.split(b"\n")):
        whole = part + b"\n" if n < data.count(b"\n") else part
        if whole:
            text += (f"{who:<6} {baud:>5}  " if n == 0 else " " * 14) + "".join(map(_character, whole)) + "\n"
    return text


def _character(value: int) -> str:
    if 0x20 <= value < 0x7F:
        return chr(value)
    return f"<{_NAMES.get(value, f'{value:02X}h')}>"


def assert_golden(name: str, text: str, update: bool) -> None:
    """Compare with the golden file, or rewrite it (`pytest --update-golden`). Another text is kept in build/."""
    path, found = GOLDEN / name, ROOT / "build" / name
    if update:
        path.write_text(text)
    elif text != path.read_text():
        found.parent.mkdir(exist_ok=True)
        found.write_text(text)
    assert text == path.read_text(), f"compare {path} with {found}"
