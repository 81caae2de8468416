"""One association with a meter: objects, attributes, methods, rows. PDUs by gurux-dlms, bytes by a transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any

from gurux_dlms import GXByteBuffer, GXDateTime, GXDLMSException, GXReplyData
from gurux_dlms.enums import (
    AccessMode,
    Conformance,
    DataType,
    InterfaceType,
    MethodAccessMode,
    ObjectType,
    RequestTypes,
)
from gurux_dlms.objects import GXDLMSAssociationShortName, GXDLMSClock, GXDLMSObject, GXDLMSProfileGeneric
from gurux_dlms.secure import GXDLMSSecureClient

from tools.meter.gurux import next_block, whole_frames
from tools.meter.login import MECHANISMS, PROTECTIONS, Login
from tools.meter.transport import NoAnswer, Transport

CLOCK = "8/0.0.1.0.0.255"
_SEASON = timedelta(hours=2)  # the most that clocks are put forward
_OCTET = 1 << 8
Progress = Callable[[int], None]


class MeterError(Exception):
    """The meter refuses, or does not answer as the standard has it; the text says what was asked and what came."""


class _Written(GXDLMSObject):
    """What gurux's `write` takes: the value of one attribute of any object, with its type."""

    def __init__(self, target: GXDLMSObject, value: Any, data_type: DataType) -> None:
        super().__init__(target.objectType, target.logicalName, target.shortName)
        self._value, self._type = value, data_type

    def getValue(self, _settings: Any, _event: Any) -> Any:
        return self._value

    def getDataType(self, _index: int) -> DataType:
        return self._type


class Client:
    """A meter behind `transport`, logged in as `login` while the client is entered.

    Objects are named by OBIS code, `1.8.0`, `1-1:1.8.0` or `1.1.1.8.0.255`: the object list, read once, says the rest.
    It is long for a slow line, and not needed for a code with its class, `3/1-1:1.8.0`, with logical names, nor if
    `objects` has it. All calls raise MeterError if the meter refuses and OSError if it cannot be reached; a log-in that
    cannot be on this transport is a ValueError.
    """

    def __init__(
        self,
        transport: Transport,
        login: Login | None = None,
        retries: int = 2,
        objects: list[GXDLMSObject] | None = None,
    ) -> None:
        self._transport = transport
        self._login = login or Login()
        self._retries = retries
        self.gurux = self._make_gurux(self._login)  # for what this class has no word for; send it with `ask`
        self._objects = objects

    def _make_gurux(self, login: Login) -> GXDLMSSecureClient:
        for name, address, most in (("client", login.address, 0x7E), ("server", login.server, 0x3FFE)):
            if self._transport.hdlc and address > most:
                raise ValueError(f"{name}: {address} is not 1..{most}, as HDLC has them")
        framing = InterfaceType.HDLC if self._transport.hdlc else InterfaceType.WRAPPER
        gurux = GXDLMSSecureClient(
            not login.short_names,
            login.address,
            login.server,
            MECHANISMS[login.mechanism],
            login.password.encode() if isinstance(login.password, str) else login.password,
            framing,
        )
        if login.short_names:  # gurux proposes no blocks there, and a meter's access rights are long
            gurux.proposedConformance |= Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
        ciphering = gurux.ciphering
        ciphering.security = PROTECTIONS[login.protection]
        ciphering.systemTitle = bytearray(login.title)
        ciphering.blockCipherKey = bytearray(login.encryption_key)
        ciphering.authenticationKey = bytearray(login.authentication_key)
        ciphering.invocationCounter = login.counter
        return gurux

    # --- association --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Client:
        self._transport.open()
        try:
            self._associate()
        except BaseException as error:
            self._leave(isinstance(error, MeterError) and self._transport.hdlc)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or not issubclass(kind, NoAnswer):
                self._release()
        except (MeterError, OSError):
            pass  # it is over either way
        finally:
            self._transport.close()

    def _leave(self, disconnect: bool) -> None:
        """Give up what has not become an association: a line that is left in HDLC would be of no use to the next."""
        try:
            if disconnect:
                self.ask([self.gurux.disconnectRequest(True)], "disconnect")
        except (MeterError, OSError):
            pass
        finally:
            self._transport.close()

    def _associate(self) -> None:
        gurux = self.gurux
        if self._transport.hdlc:
            reply = self.ask([gurux.snrmRequest()], "connect")
            gurux.parseUAResponse(reply.data)
        reply = self.ask(gurux.aarqRequest(), "log in")
        try:
            gurux.parseAareResponse(reply.data)
        except Exception as error:
            raise MeterError(f"log-in refused: {self._why_refused(error)}") from None
        if gurux.getIsAuthenticationRequired():
            try:
                reply = self.ask(gurux.getApplicationAssociationRequest(), "the challenge")
            except MeterError as error:
                raise MeterError(f"log-in refused: {_DIAGNOSTICS[13]} ({error})") from None
            if not reply.data or not len(reply.data):
                raise MeterError("log-in refused: the meter did not answer the challenge")
            try:
                gurux.parseApplicationAssociationResponse(reply.data)
            except Exception as error:
                raise MeterError(f"log-in: the meter does not prove that it has the secret: {_text(error)}") from None

    def _why_refused(self, error: Exception) -> str:
        number = getattr(error, "diagnostic", None)
        what = _DIAGNOSTICS.get(int(number) if number is not None else -1, _text(error))
        hint = " (or a counter below 0-0:43.1.0, see --counter)" if self._login.protection != "none" else ""
        return what.format(client=self._login.address, mechanism=self._login.mechanism) + hint

    def hang_up(self) -> None:
        """Leave without a word: no release, no disconnect."""
        self._transport.close()

    def _release(self) -> None:
        gurux = self.gurux
        # Without ciphering a meter that lacks the service would not understand the request.
        request = gurux.releaseRequest()
        if request:
            self.ask(request, "release")
        if self._transport.hdlc:
            self.ask([gurux.disconnectRequest(True)], "disconnect")

    # --- objects ------------------------------------------------------------------------------------------------------

    @property
    def objects(self) -> list[GXDLMSObject]:
        """All objects that this association shows, as gurux's, with access rights where the meter tells them."""
        if self._objects is None:
            reply = self.ask([self.gurux.getObjectsRequest()], "object list")
            try:
                self._objects = list(self.gurux.parseObjects(reply.data, False, False))
            except Exception as error:
                raise MeterError(f"object list: {_text(error)}") from None
        return self._objects

    def read_rights(self) -> None:
        """Learn what this client may do with the `objects`; with short names their list does not say so."""
        if not self._login.short_names:
            return
        by_name = {target.shortName: target for target in self.objects}
        reply = self.ask(self.gurux.read(GXDLMSAssociationShortName(), 3), "access rights")
        for name, attributes, methods in reply.value:
            target = by_name.get(name & 0xFFFF)  # it comes as a signed number
            if target is not None:
                for n, mode, *_ in attributes:
                    target.setAccess(n, AccessMode(mode))
                for n, mode in methods:
                    target.setMethodAccess(n, MethodAccessMode(int(mode)))

    def find(self, code: str) -> GXDLMSObject:
        """The object under an OBIS code; of several that a short code fits the first. MeterError if there is none."""
        class_id, _, name = code.rpartition("/")
        if class_id and not self._login.short_names:
            return _named(class_id, name)
        for candidate in self.objects:
            if fits(name, candidate.logicalName) and class_id in ("", str(int(candidate.objectType))):
                return candidate
        raise MeterError(f"{code}: the meter has no such object, or does not show it at this level")

    # --- attributes and methods ---------------------------------------------------------------------------------------

    def read(self, code: str | GXDLMSObject, attribute: int = 2) -> Any:
        """Value of an attribute, as gurux's object class gives it (a Register's value with its scaler applied)."""
        target = self._target(code)
        if attribute == 2 and target.objectType in SCALED:
            scaler = SCALED[target.objectType]
            if not target.getLastReadTime(scaler):
                self._update(target, scaler)
                target.setLastReadTime(scaler, datetime.now())
        if attribute == 2 and isinstance(target, GXDLMSProfileGeneric):
            self.columns(target)  # without them gurux cannot tell what is in a row
        return self._update(target, attribute)

    def _update(self, target: GXDLMSObject, attribute: int) -> Any:
        what = f"{target.logicalName} attribute {attribute}"
        reply = self.ask(self.gurux.read(target, attribute), what)
        target.setDataType(attribute, reply.valueType)
        try:
            return self.gurux.updateValue(target, attribute, reply.value)
        except Exception as error:
            raise MeterError(f"{what}: {_text(error)}") from None

    def data_type(self, code: str | GXDLMSObject, attribute: int = 2) -> DataType:
        """Type of an attribute as the meter sends it."""
        target = self._target(code)
        return self.ask(self.gurux.read(target, attribute), f"{target.logicalName} attribute {attribute}").valueType

    def write(self, code: str | GXDLMSObject, attribute: int, value: Any, data_type: DataType) -> None:
        """Set an attribute."""
        target = self._target(code)
        what = f"{target.logicalName} attribute {attribute}"
        self.ask(self.gurux.write(_Written(target, value, data_type), attribute), f"write {what}")

    def set_clock(self, when: datetime) -> None:
        """Set the clock (class 8) to this moment, told in UTC."""
        clock = GXDLMSClock(CLOCK.partition("/")[2])
        clock.shortName = self.find(CLOCK).shortName
        clock.time = GXDateTime(when.astimezone(timezone.utc))
        clock.setDataType(2, DataType.OCTET_STRING)
        self.ask(self.gurux.write(clock, 2), "set the clock")

    def execute(
        self, code: str | GXDLMSObject, method: int, value: Any = 0, data_type: DataType = DataType.INT8
    ) -> None:
        """Call a method."""
        target = self._target(code)
        what = f"{target.logicalName} method {method}"
        self.ask(self.gurux.method(target, method, value, data_type), f"execute {what}")

    def _target(self, code: str | GXDLMSObject) -> GXDLMSObject:
        return self.find(code) if isinstance(code, str) else code

    # --- profiles -----------------------------------------------------------------------------------------------------

    def columns(self, profile: GXDLMSObject) -> list[str]:
        """The captured objects of a profile, `logical name:attribute`. MeterError if it is none."""
        if not isinstance(profile, GXDLMSProfileGeneric):
            raise MeterError(f"{profile.logicalName} is no profile")
        self._update(profile, 3)
        return [f"{target.logicalName}:{capture.attributeIndex}" for target, capture in profile.captureObjects]

    def rows(
        self,
        code: str | GXDLMSObject,
        begin: datetime | None = None,
        end: datetime | None = None,
        entries: tuple[int, int] | None = None,
        progress: Progress | None = None,
    ) -> Iterator[list[Any]]:
        """Rows of a profile, oldest first as the meter sends them: of a range of time (both ends belong to it), of
        `entries` (first, count; 1 is the oldest), or all. `progress` is told the bytes received so far."""
        profile = self._target(code)
        self.columns(profile)
        if entries is not None:
            request = self.gurux.readRowsByEntry(profile, *entries)
        elif begin is not None or end is not None:
            request = self.gurux.readRowsByRange(profile, *self._local(begin, end))
        else:
            request = self.gurux.read(profile, 2)
        reply = self.ask(request, f"{profile.logicalName} rows", progress)
        self.gurux.updateValue(profile, 2, reply.value)
        clocks = [n for n, (target, _) in enumerate(profile.captureObjects) if target.objectType == ObjectType.CLOCK]
        for row in profile.buffer:
            when = row[clocks[0]].value if clocks and row[clocks[0]] is not None else None
            if when is None or entries is not None or _is_between(begin, when, end):
                yield row

    def _local(self, begin: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
        """A range as meters want it, whose digits are local time for many: theirs of now, and as much more as daylight
        saving can make."""
        now = self.read(CLOCK).value
        zone = (now and now.tzinfo) or timezone.utc
        first = begin.astimezone(zone) - _SEASON if begin else datetime(2000, 1, 1)
        last = end.astimezone(zone) + _SEASON if end else datetime(2099, 12, 31)
        return first, last

    # --- one request --------------------------------------------------------------------------------------------------

    def ask(self, request: Any, what: str, progress: Progress | None = None) -> GXReplyData:
        """Send a request of one or more frames, as gurux makes it; the whole answer. `what` is for the error's text."""
        reply = GXReplyData()
        for frame in request:
            reply.clear()
            self._exchange(frame, reply, what)
            while reply.isMoreData():
                more = None if reply.isStreaming() else next_block(self.gurux, reply)
                self._exchange(more, reply, what)
                if progress is not None:
                    progress(len(reply.data))
        return reply

    def _exchange(self, frame: Any, reply: GXReplyData, what: str) -> None:
        """Send a frame, take the frame that answers it. On an HDLC line a lost or spoiled one is asked for again."""
        buffer, notification, received = GXByteBuffer(), GXReplyData(), bytearray()
        left = self._retries if self._transport.hdlc else 0
        if frame is not None:
            self._transport.send(bytes(frame))
        try:
            while not self.gurux.getData(buffer, reply, notification):
                try:
                    received += self._transport.receive()
                    buffer.set(whole_frames(received) if self._transport.hdlc else bytes(received))
                    if not self._transport.hdlc:
                        received.clear()
                except NoAnswer:
                    if not left or frame is None:
                        raise
                    left -= 1
                    received.clear()
                    self._transport.send(bytes(frame))
        except OSError:
            raise
        except Exception as error:
            raise MeterError(f"{what}: {_text(error)}") from None
        if reply.error:
            raise MeterError(f"{what}: {_text(GXDLMSException(reply.error))}")
        if reply.moreData == RequestTypes.NONE and reply.value is None and reply.data is None:
            raise MeterError(f"{what}: an empty answer")


_LETTERS = {"C": 96, "F": 97, "L": 98, "P": 99}
_MOST_CLASS = 0xFFFF
# Why an association is refused (acse-service-user of the AARE), and what to do about it
_DIAGNOSTICS = {
    1: "the meter gives no reason: it cannot take this request or its protection (see --protection, the keys, --title)",
    2: "the meter does not take such associations (see --sn, --protection)",
    3: "the meter knows no client {client}, or not with this system title (see --client, --level, --title)",
    11: "mechanism {mechanism} is not known, or too weak here (see --mechanism)",
    12: "the meter wants a mechanism (see --mechanism)",
    13: "wrong password or secret, or the level is locked or closed on this way",
    14: "client {client} needs a password (see --password, or --mechanism gmac)",
}
# Classes whose values have a scaler and a unit, and the attribute that has those
SCALED = {ObjectType.REGISTER: 3, ObjectType.EXTENDED_REGISTER: 3, ObjectType.DEMAND_REGISTER: 4}


def _is_between(begin: datetime | None, when: datetime, end: datetime | None) -> bool:
    when = when if when.tzinfo else when.replace(tzinfo=timezone.utc)
    return (begin is None or begin <= when) and (end is None or when <= end)


def _text(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def fits(code: str, logical_name: str) -> bool:
    """Whether a code `[A-B:]C.D.E` or `A.B.C.D.E.F` names this logical name (in points). Letters C F L P are 96..99."""
    there = [int(group) for group in logical_name.split(".")]
    return all(group in (None, is_there) for group, is_there in zip(_groups(code), there, strict=True))


def from_list(entries: Any) -> list[GXDLMSObject]:
    """Objects from what the command `list` gives as JSON. ValueError if it is something else."""
    try:
        return [_made(int(e["class"]), str(e["name"]), int(e["version"]), int(e["short_name"])) for e in entries]
    except (KeyError, TypeError, AttributeError, ValueError, MeterError):
        raise ValueError("no object list: make one with `--json ... list`") from None


def _named(class_id: str, code: str) -> GXDLMSObject:
    """The object of this class under a code that leaves nothing out. MeterError if that is none."""
    groups = _groups(code)
    if None in groups:
        raise MeterError(f"{class_id}/{code}: with a class, name medium and channel as well, as in 3/1-1:1.8.0")
    if not class_id.isdigit() or int(class_id) > _MOST_CLASS:
        raise MeterError(f"{class_id!r} is no class: a number, as in 3/1-1:1.8.0")
    return _made(int(class_id), ".".join(map(str, groups)))


def _made(class_id: int, logical_name: str, version: int = 0, short_name: int = 0) -> GXDLMSObject:
    if None in _groups(logical_name):
        raise MeterError(f"{logical_name!r} is no logical name")
    try:
        target = GXDLMSSecureClient.createObject(ObjectType(class_id))
    except ValueError:  # of which gurux knows nothing
        target = GXDLMSObject(class_id)
    target.logicalName, target.version, target.shortName = logical_name, version, short_name
    return target


def _groups(code: str) -> list[int | None]:
    """The six groups of an OBIS code; None for medium and channel if it leaves them out."""
    prefix, _, rest = code.rpartition(":")
    groups: list[int | None] = [_LETTERS.get(group) or _number(group) for group in rest.split(".")]
    if len(groups) == 6 and not prefix:
        return groups
    ahead: list[int | None] = [_number(group) for group in prefix.split("-")] if prefix else [None, None]
    if len(groups) not in (2, 3) or len(ahead) != 2:
        raise MeterError(f"{code!r} is no OBIS code: 1.8.0, 1-1:1.8.0 or 1.1.1.8.0.255")
    return [*ahead, *(groups + [0])[:3], _OCTET - 1]


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) >= _OCTET:
        raise MeterError(f"{text!r} is no part of an OBIS code, such as 1.8.0, 1-1:1.8.0 or 1.1.1.8.0.255")
    return int(text)
