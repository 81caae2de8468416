"""How fast a meter answers over the wrapper: associations, GET round trips, rows of a profile. Prints, or JSON.

A raw socket client, so that what is measured is the meter and not the client. Without --tcp the meter is a virtual one,
made for the occasion with a full event log, in real time.
"""

from __future__ import annotations

import argparse
import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tools.bench import Bench

REPORT = Path("build/dlms_speed.json")
ROWS = 1000
_FIRST_EVENT = 800_000_000  # seconds since 2000
_CLIENT, _SERVER = 32, 1
_PDU = 0xFFFF
_DATA_NOTIFICATION = b"\x0f"
_EVENT_LOG = bytes.fromhex("0007 0000636200ff 02")
_ENERGY = bytes.fromhex("0003 0101010800ff 02")
_INITIATE = bytes.fromhex("01000000065f1f0400001e1d") + struct.pack(">H", _PDU)
_TARGETS = {"association_ms": 1.5, "gets_per_s": 4000, "rows_ms": 25}


def _tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def aarq(password: bytes | None) -> bytes:
    """Association request: LN referencing, low level security, or none without password (Green Book, clause 9.4)."""
    oid = bytes.fromhex("608574050801 01".replace(" ", ""))
    mechanism = bytes.fromhex("60857405080201")
    content = _tlv(0xA1, _tlv(6, oid))
    if password is not None:
        content += _tlv(0x8A, b"\x07\x80") + _tlv(0x8B, mechanism) + _tlv(0xAC, _tlv(0x80, password))
    return _tlv(0x60, content + _tlv(0xBE, _tlv(4, _INITIATE)))


class RawClient:
    """One TCP connection that speaks APDUs in wrapper headers."""

    def __init__(self, address: tuple[str, int], client: int = _CLIENT) -> None:
        self._client = client
        self._socket = socket.create_connection(address, 5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._pushed: list[bytes] = []

    def ask(self, apdu: bytes) -> bytes:
        """The answer to an APDU. OSError if there is none."""
        self.send(apdu)
        while (answer := self._take())[:1] == _DATA_NOTIFICATION:
            self._pushed.append(answer)
        return answer

    def pushed(self) -> bytes:
        """The next data notification, which may have come before an answer. OSError if none comes within 5 s."""
        return self._pushed.pop(0) if self._pushed else self._take()

    def _take(self) -> bytes:
        """The next APDU that comes."""
        data = self._received
        while len(data) < 8 or len(data) < 8 + int.from_bytes(data[6:8], "big"):
            more = self._socket.recv(1 << 17)
            if not more:
                raise OSError("the meter has closed the connection")
            data += more
        end = 8 + int.from_bytes(data[6:8], "big")
        self._received = data[end:]
        return data[8:end]

    def send(self, apdu: bytes) -> None:
        self._socket.sendall(struct.pack(">4H", 1, self._client, _SERVER, len(apdu)) + apdu)

    def associate(self, password: bytes | None) -> None:
        """OSError if the meter refuses."""
        answer = self.ask(aarq(password))
        if b"\xa2\x03\x02\x01\x00" not in answer:
            raise OSError(f"association refused: {answer.hex()}")

    def release(self) -> None:
        self.ask(bytes.fromhex("6203800100"))

    def get(self, attribute: bytes, selection: bytes = b"\x00") -> bytes:
        """A-XDR value of an attribute, its blocks put together. OSError if the meter gives an error."""
        answer = self.ask(b"\xc0\x01\xc1" + attribute + selection)
        if answer[:2] == b"\xc4\x01":
            if answer[3]:
                raise OSError(f"error {answer[4]}")
            return answer[4:]
        value = b""
        while True:
            if answer[:2] != b"\xc4\x02" or answer[8]:
                raise OSError(f"no block: {answer[:12].hex()}")
            length, at = answer[9], 10
            if length & 0x80:
                at += length & 0x7F
                length = int.from_bytes(answer[10:at], "big")
            value += answer[at : at + length]
            if answer[3]:
                return value
            answer = self.ask(b"\xc0\x02\xc1" + answer[4:8])

    def close(self) -> None:
        self._socket.close()


def _entries(count: int, columns: int) -> bytes:
    """Selective access by entry: the first `count` rows, the first `columns` columns."""
    return b"\x01\x02\x02\x04" + struct.pack(">BIBIBHBH", 6, 1, 6, count, 18, 1, 18, columns)


def _best(times: list[float]) -> dict[str, float]:
    return {"median_ms": round(1000 * median(times), 3), "best_ms": round(1000 * min(times), 3)}


def _timed(work: Callable[[], Any], repeats: int) -> list[float]:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return times


def measure(address: tuple[str, int], password: bytes, gets: int = 5000) -> dict[str, Any]:
    """All figures of one run. OSError if the meter cannot be reached or refuses."""
    client = RawClient(address)
    try:
        associations = []
        for _ in range(50):
            begin = time.perf_counter()
            client.associate(password)
            associations.append(time.perf_counter() - begin)
            client.release()
        client.associate(password)
        begin = time.perf_counter()
        for _ in range(gets):
            client.get(_ENERGY)
        per_s = gets / (time.perf_counter() - begin)
        rows = client.get(_EVENT_LOG, _entries(ROWS, 2))
        count = int.from_bytes(rows[2 : 2 + (rows[1] & 0x7F)], "big") if rows[1] & 0x80 else rows[1]
        if count != ROWS:
            raise OSError(f"{count} rows instead of {ROWS}")
        profile = _timed(lambda: client.get(_EVENT_LOG, _entries(ROWS, 2)), 20)
        client.release()
    finally:
        client.close()
    return {"association": _best(associations), "gets_per_s": round(per_s), "rows": _best(profile), "row_count": count}


def _report(figures: dict[str, Any], as_json: bool) -> None:
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(figures, indent=2) + "\n")
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    print(f"association with LLS   {figures['association']['median_ms']:8.2f} ms   wanted {_TARGETS['association_ms']}")
    print(f"GET round trips        {figures['gets_per_s']:8.0f} /s   wanted {_TARGETS['gets_per_s']}")
    print(f"{ROWS} rows x 2 columns   {figures['rows']['median_ms']:8.2f} ms   wanted {_TARGETS['rows_ms']}")


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.meter.speed", description=__doc__)
    parser.add_argument("--tcp", metavar="HOST:PORT", help="a meter that runs already, with a full event log")
    parser.add_argument("--password", default="00000000", help="LLS of client 32 (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(words)
    try:
        if arguments.tcp:
            host, _, port = arguments.tcp.rpartition(":")
            figures = measure((host, int(port)), arguments.password.encode())
        else:
            events = [(_FIRST_EVENT + 60 * n, 8, n) for n in range(ROWS)]
            with Bench(virtual=False, events=events) as bench:
                bench.run(2)
                assert bench.tcp_port is not None  # in real time there is one
                figures = measure(("127.0.0.1", bench.tcp_port), arguments.password.encode())
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _report(figures, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
