"""A live meter with gurux-dlms: log-ins, all attributes of all objects, and who may do what."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from gurux_common.enums import MediaState
from gurux_common.IGXMediaListener import IGXMediaListener
from gurux_dlms import GXBitString, GXByteBuffer, GXDLMSClient, GXReplyData
from gurux_dlms.enums import AccessMode, DataType, MethodAccessMode
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from gurux_dlms.objects import GXDLMSData, GXDLMSObject
from gurux_net import GXNet
from gurux_net.enums import NetworkType
from gurux_serial import GXSerial
from gurux_serial._handlers.GXLinuxHandler import GXLinuxHandler

from host_tests.live_meter import (
    CLIENTS,
    OPTICAL,
    PASSWORD,
    PORT_1,
    TCP,
    address,
    live_meter,
    lls,
    over_line,
    over_tcp,
    raw,
    terminal,
    until,
)
from host_tests.live_model import (
    ASSOCIATION,
    ASSOCIATION_LN,
    CLOCK,
    REGISTER,
    SECURITY,
    encoded,
    holds_still,
    reference,
    stored,
)
from meter.comms.wrapper import wrap
from meter.parameters import TABLE
from tools.bench import Bench
from tools.meter import Client, Login, MeterError
from tools.meter.speed import RawClient
from tools.meter.transport import NoAnswer, Transport

SERIAL_NUMBER, PARAMETER = GXDLMSData("0.0.96.1.0.255"), GXDLMSData("0.0.96.61.2.255")  # reaction_ms, level 2
SECRETS = [f"test HLS secret{level}" for level in range(6)]
LEVELS = range(6)
SAMPLE_OF_LEVELS = [level if level in (0, 2, 5) else pytest.param(level, marks=pytest.mark.soak) for level in LEVELS]
MOVING = ("0.9.1", "0.9.2", "13.7.0", "33.7.0", "53.7.0", "73.7.0", "C.5.1", "C.15.1", "C.15.2")  # without a unit
FACTORS = ("13.0.0", "13.3.0", "13.5.0")  # null-data as long as there was no energy
BILLING = ("0.1.0", "0.1.1", "0.1.2", "0.9.6", "0.9.7", "0.9.12", "0.2.2", "C.3.0", "C.4.0", "C.14.0", "C.2.0", "C.2.1")
PULSES = tuple(f"C.15.1{n}" for n in range(1, 7))
LONGEST_WRITE = 900  # bytes that are sure to fit into one request
SUCCESS, DENIED = 0, 3  # Data-Access-Result, Action-Result
LOG_IN_FAILED = 180  # event
PARAMETERS = {"port1_mode": 1, "max_attempts": 10, "registration": "primary", "ct_numerator": 10_000}
PARAMETERS["hdlc_address"] = 1001  # the one it has anyway, so that to write what is read changes nothing


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A meter that has counted some energy, 10 000 times as much on the primary side, and then no more."""
    with live_meter(parameters=PARAMETERS) as bench:
        bench.source.set(u=230, i=10, phi=30)
        until(lambda: bench.totals().get("r_import", 0) > 3_600_000, 20)  # 1 varh
        bench.source.set(i=0)
        until(lambda: _has_stopped(bench), 20)
        yield bench


def _has_stopped(bench: Bench) -> bool:
    """What flowed last is booked: nothing is counted in more than two intervals."""
    before = bench.totals()
    bench.run(1.5)
    return bench.totals() == before


# --- log-ins --------------------------------------------------------------------------------------------------------

HASHES = ("md5", "sha1", "sha256")


@pytest.mark.parametrize("mechanism", ["none", "lls", *HASHES, "gmac"])
def test_each_mechanism_logs_in_and_reads(bench: Bench, mechanism: str) -> None:
    level = 0 if mechanism == "none" else 2
    password = {"none": "", "lls": PASSWORD, "gmac": ""}.get(mechanism, SECRETS[2])
    with over_tcp(bench, Login(level=level, mechanism=mechanism, password=password, counter=10)) as meter:
        assert meter.read(SERIAL_NUMBER) == bench.serial
        if level:
            assert meter.read(PARAMETER) == 200


@pytest.mark.parametrize("mechanism", ["lls", *HASHES, "gmac"])
def test_a_wrong_proof_is_refused(mechanism: str) -> None:
    with live_meter(parameters={"max_attempts": 10}) as bench:
        wrong = Login(level=2, mechanism=mechanism, password="wrong", authentication_key=bytes(16), counter=10)
        with pytest.raises(MeterError), over_tcp(bench, wrong):
            pass
        assert bench.events()[-1][2:] == (LOG_IN_FAILED, TCP << 8 | 2)


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_has_its_client_and_level_4_a_broken_seal(bench: Bench, level: int) -> None:
    if level == 4:
        with pytest.raises(MeterError, match="refused"), over_tcp(bench, lls(level)):
            pass
    bench.seal_open = level == 4
    with over_tcp(bench, lls(level)) as meter:
        assert meter.read(SERIAL_NUMBER) == bench.serial
    bench.seal_open = False


def test_who_shows_no_password_or_is_no_client_is_refused(bench: Bench) -> None:
    for login in (Login(level=1), Login(client=17), Login(client=112), Login(level=0, mechanism="lls", password="1")):
        with pytest.raises(MeterError, match="refused"), over_tcp(bench, login):
            pass


# --- gurux's own media ----------------------------------------------------------------------------------------------


class Media(Transport, IGXMediaListener):
    """A medium of gurux's as a way to the meter."""

    def __init__(self, media: Any, hdlc: bool) -> None:
        self.media, self.hdlc = media, hdlc
        self.received: queue.Queue[bytes] = queue.Queue()
        self.states: list[MediaState] = []
        media.addListener(self)

    def open(self) -> None:
        self.media.open()

    def send(self, data: bytes) -> None:
        self.media.send(data)

    def receive(self) -> bytes:
        try:
            return self.received.get(timeout=5)
        except queue.Empty:
            raise NoAnswer("no answer within 5 s") from None

    def close(self) -> None:
        self.media.close()

    def onReceived(self, _sender: Any, e: Any) -> None:
        self.received.put(bytes(e.data))

    def onError(self, _sender: Any, ex: Any) -> None:
        raise AssertionError(ex)

    def onMediaStateChange(self, _sender: Any, e: Any) -> None:
        self.states.append(e.state)

    def onTrace(self, _sender: Any, e: Any) -> None: ...

    def onPropertyChanged(self, _sender: Any, e: Any) -> None: ...


def test_gurux_net_reads_the_meter(bench: Bench) -> None:
    media = Media(GXNet(NetworkType.TCP, *address(bench)), False)
    with Client(media, lls(1)) as meter:
        assert meter.read(SERIAL_NUMBER) == bench.serial
        assert meter.read(PARAMETER) == 200
    assert media.states[-1] == MediaState.CLOSED


def test_gurux_serial_reads_the_meter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pseudo-terminal has no DTR and RTS, which it wants to set."""
    for name in ("setDtrEnable", "setRtsEnable"):
        monkeypatch.setattr(GXLinuxHandler, name, lambda _self, _on: None)
    media = Media(GXSerial(terminal(bench, PORT_1)), True)
    with Client(media, lls(1)) as meter:
        for _ in range(3):
            assert meter.read(SERIAL_NUMBER) == bench.serial
    assert media.states[-1] == MediaState.CLOSED


# --- objects --------------------------------------------------------------------------------------------------------


def octets(name: str) -> bytes:
    return bytes(int(part) for part in name.split("."))


def decoded(value: bytes) -> Any:
    """A-XDR as gurux has it."""
    return _GXCommon.getData(None, GXByteBuffer(value), _GXDataInfo())


def may(target: GXDLMSObject, n: int) -> int:
    """Bits of AccessMode: 1 read, 2 write; gurux has None for what the meter did not tell."""
    mode = target.getAccess(n)
    assert mode is not None
    return int(AccessMode(mode))


def test_object_lists_name_all_objects_by_logical_and_by_short_names(bench: Bench) -> None:
    model = reference(bench)
    everything = {found.logical_name: (found.class_id, model.base_name(found)) for found in model.objects()}
    with over_tcp(bench, lls(2)) as meter:
        by_logical = {octets(target.logicalName): int(target.objectType) for target in meter.objects}
    assert by_logical.pop(ASSOCIATION) == ASSOCIATION_LN
    assert by_logical.items() <= {name: places[0] for name, places in everything.items()}.items()
    hidden = everything.keys() - by_logical.keys()
    assert {name[2:4] for name in hidden} <= {b"\x60\x3d", b"\x60\x3c"}  # secrets that only higher levels can change
    with over_tcp(bench, lls(2, short_names=True)) as meter:
        by_short = {octets(target.logicalName): target.shortName for target in meter.objects}
        assert by_short.pop(ASSOCIATION) == 0xFA00
        assert by_short == {name: places[1] for name, places in everything.items() if name not in hidden}
        assert meter.read("0-0:96.1.0") == bench.serial
        assert meter.read("C.61.2") == 200


def is_what_the_model_says(meter: Client, target: GXDLMSObject, n: int, model: Any) -> bool:
    """Read one attribute and compare it; False if it is one that moves, or the association's."""
    meter.read(target, n)  # gurux's object class makes something of it
    name = octets(target.logicalName)
    if name == ASSOCIATION:
        return False
    found = model.get(int(target.objectType), name)
    if not holds_still(found, n):
        return False
    reply = meter.ask(meter.gurux.read(target, n), target.logicalName)
    expected = decoded(encoded(found, n))
    if isinstance(expected, GXBitString):
        assert str(reply.value) == str(expected)
    else:  # gurux has no value for an empty array
        assert reply.value == expected or reply.value is None and expected == [], (found.index, n)
    return True


@pytest.mark.parametrize("level", SAMPLE_OF_LEVELS)
def test_every_attribute_that_a_level_may_read_is_what_the_model_says(bench: Bench, level: int) -> None:
    model, compared = reference(bench), 0
    bench.seal_open = level == 4
    with over_tcp(bench, lls(level)) as meter:
        for target in meter.objects:
            for n in range(1, target.getAttributeCount() + 1):
                if may(target, n) & 1:
                    compared += is_what_the_model_says(meter, target, n, model)
    bench.seal_open = False
    assert compared > (400 if 1 <= level <= 4 else 200)


@pytest.mark.parametrize("level", SAMPLE_OF_LEVELS)
def test_every_attribute_is_by_its_short_name_what_the_model_says_or_denied(bench: Bench, level: int) -> None:
    """The association's attribute 3 says which; it must say the same as the object list of logical names."""
    model, compared, denied = reference(bench), 0, 0
    bench.seal_open = level == 4
    told = rights(bench, level)
    with over_tcp(bench, lls(level, short_names=True)) as meter:
        association = meter.find("0-0:40.0.0")
        rows = meter.ask(meter.gurux.read(association, 3), "access rights").value
        modes = {base & 0xFFFF: {n: mode for n, mode, _ in attributes} for base, attributes, _ in rows}
        assert modes.keys() == {target.shortName for target in meter.objects}
        for target in meter.objects:
            own = modes[target.shortName]
            assert target is association or own == told[octets(target.logicalName)][0], target.logicalName
            assert len(own) == target.getAttributeCount() or target is association  # of a later version
            for n in own:
                if own[n] & 1:
                    compared += is_what_the_model_says(meter, target, n, model)
                else:
                    denied += 1
                    with pytest.raises(MeterError, match="denied"):
                        meter.read(target, n)
    bench.seal_open = False
    assert compared > (400 if 1 <= level <= 4 else 200)
    assert denied or not 1 <= level <= 4  # passwords and keys


def test_a_push_sends_the_values_that_gurux_reads_one_by_one(bench: Bench) -> None:
    with over_tcp(bench, lls(2)) as meter:
        setup = meter.find("0-0:25.9.0")
        meter.read(setup, 2)
        targets = [target for target, _ in setup.pushObjectList]
        values = [meter.ask(meter.gurux.read(target, 2), "pushed").value for target in targets]
        name, clock = bytes(values[0]), targets[1]
        assert name.decode().endswith(bench.serial) and octets(clock.logicalName) == b"\x00\x00\x01\x00\x00\xff"
        with raw(bench, 2) as client:
            assert client.ask(bytes.fromhex("c301c1 0028 0000190900ff 01 01 0f00"))[3] == SUCCESS
            reply, told = GXReplyData(), GXReplyData()
            meter.gurux.getData(GXByteBuffer(wrap(1, 48, client.pushed())), reply, told)
    assert [told.value[0], *told.value[2:]] == [values[0], *values[2:]]
    read, pushed = (GXDLMSClient.changeType(value, DataType.DATETIME).value for value in (values[1], told.value[1]))
    assert 0 <= (pushed - read).total_seconds() < 10


def test_energies_and_texts_are_those_of_the_readout(bench: Bench) -> None:
    """The other protocol's way to the same objects."""
    shown, compared = bench.readout(6), 0
    with over_tcp(bench) as meter:
        for code, data_set in shown.items():
            text, unit = data_set.value.text, data_set.value.unit
            if ".8." in code and code[0] not in "C0":
                target = meter.find(code)
                value = meter.read(target, 2)
                assert int(target.objectType) == REGISTER and target.unit.name.lower().endswith("energy")
                assert float(text) * {"k": 1e3, "M": 1e6}[unit[0]] == pytest.approx(value, abs=1e-6), code
                compared += value > 0
            elif code == "F.F":
                assert meter.read(code) == bytes.fromhex(text)
            elif code in ("0.0.0", "0.2.0", "C.63.0", "C.63.1"):
                assert meter.read(code) == text
            elif code.startswith(("0.3.", "0.4.", "0.8.", "C.7.", *PULSES)):
                assert meter.read(code) == int(text)
            else:
                assert unit or code in MOVING + BILLING + FACTORS, code
    assert compared >= 4  # active, reactive, in quadrant I, apparent


# --- who may do what ------------------------------------------------------------------------------------------------


def rights(bench: Bench, level: int) -> dict[bytes, tuple[dict[int, int], set[int]]]:
    """What the object list of a level says: name -> (modes of the attributes, methods)."""
    told = {}
    with over_tcp(bench, lls(level)) as meter:
        for target in meter.objects:
            modes = {n: may(target, n) for n in range(1, target.getAttributeCount() + 1)}
            methods = {
                n
                for n in range(1, target.getMethodCount() + 1)
                if target.getMethodAccess(n) not in (None, MethodAccessMode.NO_ACCESS)
            }
            told[octets(target.logicalName)] = modes, methods
    return told


def reference_of(found: Any, n: int) -> bytes:
    return found.class_id.to_bytes(2, "big") + found.logical_name + bytes((n,))


def read_result(client: RawClient, found: Any, n: int) -> int:
    answer = client.ask(b"\xc0\x01\xc1" + reference_of(found, n) + b"\x00")
    return answer[4] if answer[:2] == b"\xc4\x01" and answer[3] else SUCCESS


def write_result(client: RawClient, found: Any, n: int, is_readable: int) -> int:
    """Write what the attribute is already, if that can be known, else null-data."""
    value = b"\x00"
    if holds_still(found, n):
        value = encoded(found, n)
    elif is_readable:
        value = client.get(reference_of(found, n))
    if len(value) > LONGEST_WRITE:
        value = b"\x00"
    answer = client.ask(b"\xc1\x01\xc1" + reference_of(found, n) + b"\x00" + value)
    assert answer[:3] == bytes.fromhex("c501c1"), answer.hex()
    return answer[3]


def act_result(client: RawClient, found: Any, n: int) -> int:
    """Call with a parameter that changes nothing to speak of, or is of another type."""
    value = {(CLOCK, 6): b"\x10\x00\x00", (SECURITY, 1): b"\x16\x00", (SECURITY, 2): b"\x01\x00"}
    parameter = value.get((found.class_id, n), b"\x0f\x00")
    answer = client.ask(b"\xc3\x01\xc1" + reference_of(found, n) + b"\x01" + parameter)
    assert answer[:3] == bytes.fromhex("c701c1"), answer.hex()
    return answer[3]


def may_be_written(level: int) -> set[bytes]:
    """C.61.n that the parameters' table opens to a level."""
    return {bytes((0, 0, 96, 61, row[0], 255)) for row in TABLE if row[6] <= level < 5}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_may_do_what_its_object_list_says_and_nothing_else(bench: Bench, level: int) -> None:
    """All attributes read and written, all methods called; what is refused changes nothing, what is written is as it
    was."""
    model = reference(bench)
    bench.seal_open = level == 4
    told, before, energies, refused = rights(bench, level), stored(bench), bench.totals(), 0
    names_alone = {1: int(0 < level < 5)}  # of objects that are not in the list
    with raw(bench, level) as client:
        for found in model.objects():
            modes, methods = told.get(found.logical_name, (names_alone, set()))
            for n in range(1, found.attributes + 1):
                mode = modes.get(n, 0)
                assert read_result(client, found, n) == (SUCCESS if mode & 1 else DENIED), (found.index, n)
                assert write_result(client, found, n, mode & 1) == (SUCCESS if mode & 2 else DENIED), (found.index, n)
                refused += not mode & 2
            for n in range(1, found.methods + 1):
                assert (act_result(client, found, n) != DENIED) == (n in methods), (found.index, n)
                refused += n not in methods
    bench.seal_open = False
    areas = 2 if level == 4 else 3  # its calibration record is written anew, with a sequence number
    assert stored(bench)[:areas] == before[:areas] and bench.totals() == energies
    written = {name for name, (modes, _) in told.items() if any(mode & 2 for mode in modes.values())}
    assert {name for name in written if name[2:4] == b"\x60\x3d"} == may_be_written(level)
    if level < 2 or level == 5:
        assert written == ({ASSOCIATION} if level == 1 else set())
        assert not any(methods for name, (_, methods) in told.items() if name != ASSOCIATION)
    assert refused > 600


def test_a_broken_seal_makes_levels_2_and_3_worth_level_4(bench: Bench) -> None:
    led_constant = GXDLMSData("0.0.96.61.1.255")
    for level in (2, 3):
        with over_tcp(bench, lls(level)) as meter:
            with pytest.raises(MeterError, match="denied"):
                meter.write(led_constant, 2, 10_000, DataType.INT32)
            bench.seal_open = True
            meter.write(led_constant, 2, 10_000, DataType.INT32)
            bench.seal_open = False
            with pytest.raises(MeterError, match="denied"):
                meter.write(led_constant, 2, 10_000, DataType.INT32)


def test_without_an_association_nothing_is_served(bench: Bench) -> None:
    before = stored(bench)
    client = RawClient(address(bench), CLIENTS[2])
    for apdu in (
        "c001c1 0003 0101010800ff 02 00",
        "c101c1 0001 0000603d02ff 02 00 05000000c8",
        "c301c1 0008 0000010000ff 03 01 0f00",
    ):
        assert client.ask(bytes.fromhex(apdu))[0] == 0xD8
    client.close()
    assert stored(bench) == before


# --- optical port ---------------------------------------------------------------------------------------------------


def test_mode_e_leads_to_the_same_objects(bench: Bench) -> None:
    with over_line(bench, lls(1), port=OPTICAL, mode_e=True) as meter:
        assert meter.read(SERIAL_NUMBER) == bench.serial
    with over_line(bench, lls(2, short_names=True), port=OPTICAL, mode_e=True) as meter:
        assert meter.read(GXDLMSData("0.0.42.0.0.255", 0xFD00)) == bytearray(b"LGZ405CR60800001")
