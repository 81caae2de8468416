"""How bytes reach the meter: TCP with the wrapper, or a serial line with HDLC, with or without mode E before it."""

from __future__ import annotations

import os
import socket
import time
from abc import ABC, abstractmethod

import serial

from tools.bench.iec_messages import RATES, Identification, IecError, with_parity

WRAPPER_PORT = 4059
_CHUNK = 1 << 16
_SIGN_ON_S = 3.0
_TURN_S = 0.2  # reaction time of IEC 62056-21: until then a meter may be busy with what it has just sent, such as UA
_REACTION_S = 0.3  # a meter may need 200 ms before it can hear at the new rate
_CHARACTER_BITS = 10
_LEAST_BAUD = min(RATES.values())
_CLOSED = "the meter has closed the connection (it does so when all that it can serve are taken, and when one is idle)"


class NoAnswer(OSError):
    """The meter has not answered in time, or has hung up."""


def _said(error: Exception) -> str:
    """What pySerial says of a port, without the name that it repeats."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)


def _reason(error: OSError) -> str:
    """What the operating system says, without its numbers."""
    return error.strerror or str(error)


class Transport(ABC):
    """`hdlc`: which framing the DLMS messages need. `open` may be called again after `close`."""

    hdlc: bool

    @abstractmethod
    def open(self) -> None:
        """Connect. OSError if that fails."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send all of it."""

    @abstractmethod
    def receive(self) -> bytes:
        """At least one byte. NoAnswer if none comes in time."""

    @abstractmethod
    def close(self) -> None:
        """Hang up."""


class Tcp(Transport):
    """The wrapper of IEC 62056-47 over TCP; `timeout` in seconds."""

    hdlc = False

    def __init__(self, host: str, port: int = WRAPPER_PORT, timeout: float = 5.0) -> None:
        self._address = host, port
        self._timeout = timeout
        self._socket: socket.socket | None = None

    def open(self) -> None:
        try:
            self._socket = socket.create_connection(self._address, self._timeout)
        except ConnectionResetError:
            raise NoAnswer(_CLOSED) from None
        except OSError as error:
            host, port = self._address
            raise OSError(
                f"no connection to {host}:{port}: {_reason(error)} (is the meter there, and its port?)"
            ) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        assert self._socket is not None
        try:
            self._socket.sendall(data)
        except ConnectionError:
            raise NoAnswer(_CLOSED) from None

    def receive(self) -> bytes:
        assert self._socket is not None
        try:
            data = self._socket.recv(_CHUNK)
        except TimeoutError:
            raise NoAnswer(f"no answer within {self._timeout:g} s") from None
        except ConnectionError:
            raise NoAnswer(_CLOSED) from None
        if not data:
            raise NoAnswer(_CLOSED)
        return data

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Serial(Transport):
    """HDLC on a serial port, pseudo-terminal or pySerial URL.

    `mode_e`: sign on at 300 Bd as IEC 62056-21 has it, then change to HDLC at the rate the meter offers (`baud`: at
    most that). Otherwise the port is HDLC from the first byte, at `baud`. `timeout` in seconds.
    ValueError below 300 Bd.
    """

    hdlc = True

    def __init__(self, port: str, baud: int = 9600, mode_e: bool = True, timeout: float = 5.0) -> None:
        if baud < _LEAST_BAUD:
            raise ValueError(
                f"baud: {baud} is less than {_LEAST_BAUD}; usual are {', '.join(map(str, RATES.values()))}"
            )
        self._name, self._baud, self._mode_e, self._timeout = port, baud, mode_e, timeout
        self._port: serial.SerialBase | None = None
        self.identification = ""
        self.rate = baud  # in use, Bd

    def open(self) -> None:
        baud = _LEAST_BAUD if self._mode_e else self._baud
        try:
            self._port = serial.serial_for_url(self._name, baudrate=baud, timeout=0)
        except (OSError, ValueError) as error:  # ValueError: an URL of no known kind, a rate that the port has not
            raise OSError(f"cannot open {self._name} at {baud} Bd: {_said(error)}") from None
        if self._mode_e:
            try:
                self._sign_on()
            except IecError as error:
                self.close()
                raise NoAnswer(str(error)) from None

    def _sign_on(self) -> None:
        """IEC 62056-21, mode E: request, identification, option select `2 Z 2`, its confirmation."""
        port = self._port
        assert port is not None
        line = self._identification()
        identification = Identification.parse(line)
        self.identification = line.decode("ascii", "replace").strip()
        if "\\2" not in identification.capabilities:
            raise IecError(f"{self.identification} offers no HDLC (mode E)")
        offered = identification.rate_character
        rate = max((z for z in RATES if RATES[z] <= min(RATES[offered], self._baud)), key=lambda z: RATES[z])
        choice = b"\x062" + rate.encode() + b"2\r\n"
        port.write(with_parity(choice))
        port.flush()
        time.sleep(len(choice) * _CHARACTER_BITS / 300)
        port.baudrate = self.rate = RATES[rate]
        # Not every meter confirms, so nothing depends on it; but one that does is not to be spoken to meanwhile.
        time.sleep(_REACTION_S + len(choice) * _CHARACTER_BITS / self.rate)
        port.read(_CHUNK)

    def _identification(self) -> bytes:
        """The answer to the request, which is repeated: a meter that is still leaving HDLC does not hear the first."""
        try:
            return self._request()
        except IecError:
            return self._request()

    def _request(self) -> bytes:
        port = self._port
        assert port is not None
        time.sleep(_TURN_S)
        port.reset_input_buffer()
        port.write(with_parity(b"/?!\r\n"))
        return self._line()

    def _line(self) -> bytes:
        """A line of 7E1 characters."""
        got, end = bytearray(), time.monotonic() + _SIGN_ON_S
        while not got.endswith(b"\r\n"):
            if time.monotonic() > end:
                raise IecError("no identification from the meter" if not got else f"half an identification: {got!r}")
            got += self._read(0.1)
            got = bytearray(byte & 0x7F for byte in got)
        return bytes(got[got.find(b"/") :])

    def _read(self, seconds: float) -> bytes:
        port = self._port
        assert port is not None
        port.timeout = seconds
        first = port.read(1)
        port.timeout = 0
        return first + port.read(_CHUNK) if first else b""

    def send(self, data: bytes) -> None:
        assert self._port is not None
        self._port.write(data)

    def receive(self) -> bytes:
        data = self._read(self._timeout)
        if not data:
            raise NoAnswer(f"no answer within {self._timeout:g} s")
        return data

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None
