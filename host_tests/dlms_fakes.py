"""A small meter for the DLMS application layer: objects of each kind, an access door, keys. For MicroPython as well.

Nothing here is the meter's own: what the services are asked to do can be seen in `FakeObject.values` and `FakeAccess`.
"""

import meter.access as door
from meter.cosem.model import WrongClass

if not hasattr(door, "level_of_client"):  # a tree whose access door has no reasons and no DLMS clients yet

    class _Refused(Exception):
        def __init__(self, reason):
            super().__init__(reason)
            self.reason = reason

    def _level_of_client(client):
        return None if client & 15 or not 16 <= client <= 96 else (client - 16) >> 4

    for name in ("UNKNOWN", "DENIED", "TYPE", "RANGE", "BUSY"):
        setattr(door, name, name)
    for name, value in (("Refused", _Refused), ("level_of_client", _level_of_client)):
        setattr(door, name, value)

from meter.comms.dlms.security import Security
from meter.comms.dlms.server import Server
from meter.cosem import data_types as t

Refused = door.Refused

CHANNEL = 0
PASSWORDS = {1: b"11111111", 2: b"22222222", 3: b"33333333", 4: b"44444444", 5: b"55555555"}
SECRETS = {1: b"secret of level1", 2: b"secret of level2", 3: b"secret of level3", 4: b"secret of level4"}
METER_TITLE = b"LGZ\x00\x00\xbc\x61\x4e"
CLIENT_TITLE = b"CLI\x00\x00\x00\x00\x01"
ENCRYPTION_KEY = bytes(range(16))
AUTHENTICATION_KEY = bytes(range(0xD0, 0xE0))
RANGE_SPEC = t.structure(t.CAPTURE_OBJECT, t.ANY, t.ANY, t.array(t.CAPTURE_OBJECT))
ENTRY_SPEC = t.structure(t.UINT32, t.UINT32, t.UINT16, t.UINT16)


class FakeObject:
    """`attributes`: (spec, value, read level, write level) from attribute 2 on. `methods`: (spec, function, level)."""

    version = 0

    def __init__(self, class_id, name, attributes, methods=()):
        self.logical_name, self.class_id = name, class_id
        self._table = attributes
        self._methods = methods
        self.values = [row[1] for row in attributes]
        self.attributes = 1 + len(attributes)
        self.methods = len(methods)

    def _row(self, n):
        if not 2 <= n <= self.attributes:
            raise KeyError(n)
        return self._table[n - 2]

    def spec(self, n):
        return t.OCTETS if n == 1 else self._row(n)[0]

    def get(self, n, selection=None):
        if n == 1:
            return self.logical_name
        self._row(n)
        value = self.values[n - 2]
        return value(selection) if callable(value) else value

    def selection_spec(self, n, selector):
        if self.class_id != 7 or n != 2:
            raise KeyError(selector)
        return {1: RANGE_SPEC, 2: ENTRY_SPEC}[selector]

    def set(self, n, value):
        self._row(n)
        self.values[n - 2] = value

    def read_level(self, n):
        return 0 if n == 1 else self._row(n)[2]

    def write_level(self, n):
        return None if n == 1 else self._row(n)[3]

    def _method(self, n):
        if not 1 <= n <= self.methods:
            raise KeyError(n)
        return self._methods[n - 1]

    def method_spec(self, n):
        return self._method(n)[0]

    def act_level(self, n):
        return self._method(n)[2]

    def act(self, n, value):
        return self._method(n)[1](value)


class Rows:
    """A profile's buffer: long, and made while it is read."""

    def __init__(self, first, count):
        self._first, self._count = first, count

    def __len__(self):
        return self._count

    def __iter__(self):
        for n in range(self._first, self._first + self._count):
            yield bytes((7, 0xEA, 1, 1, 4, n // 4 % 24, n % 4 * 15, 0, 0, 0x80, 0, 0)), 0, n * 1000


ROWS = 500


def _buffer(selection):
    if selection is None:
        return Rows(1, ROWS)
    selector, value = selection
    if selector == 2:
        first, last = value[0], value[1] or ROWS
        return Rows(first, max(0, min(last, ROWS) - first + 1))
    return Rows(1, 4)


def _broken(_selection):
    raise OSError("memory")


def _faulty(_selection):
    return len(None)  # type: ignore[arg-type]


class _Breaking:
    """A buffer that the memory fails for in the middle."""

    def __len__(self):
        return 300

    def __iter__(self):
        for n in range(300):
            if n == 150:
                raise OSError("memory")
            yield n


def obis(text):
    return bytes([int(part) for part in text.split(".")])


CLOCK, ENERGY, PROFILE = obis("0.0.1.0.0.255"), obis("1.1.1.8.0.255"), obis("1.0.99.1.0.255")
PARAMETER, TABLE, SCRIPTS = obis("0.0.96.50.0.255"), obis("0.0.13.0.0.255"), obis("0.0.10.0.0.255")
SERIAL, BROKEN, BREAKING = obis("0.0.96.1.0.255"), obis("0.0.96.99.0.255"), obis("0.0.96.99.1.255")
FAULTY = obis("0.0.96.99.2.255")
TIME = obis("07.234.1.1.4.12.0.0.0.128.0.0")
NAMES = {CLOCK: 0x2BC0, ENERGY: 0x1CE0, PROFILE: 0x6270, PARAMETER: 0x3000, TABLE: 0x3100, SCRIPTS: 0x3200}
NAMES.update({SERIAL: 0xFD00, BROKEN: 0x3300, BREAKING: 0x3400, FAULTY: 0x3500})
METHODS_AT = {8: 0x60, 3: 0x28, 7: 0x58, 9: 0x20}


class FakeModel:
    """`get`, `objects`, `by_short_name`, `base_name`, as cosem.model.ObjectModel has them."""

    def __init__(self):
        self.calls = []
        row = t.structure(t.OCTETS, t.UINT8, t.UINT32)
        self._objects = [
            FakeObject(8, CLOCK, [(t.OCTETS, TIME, 0, 2), (t.INT16, -60, 0, 2)], [(t.INT8, self._called("adjust"), 2)]),
            FakeObject(
                3,
                ENERGY,
                [(t.UINT32, 1234567, 0, None), (t.SCALER_UNIT, (0, 30), 0, None)],
                [(t.INT8, self._called("reset"), 4)],
            ),
            FakeObject(7, PROFILE, [(t.array(row), _buffer, 1, None), (t.UINT32, 900, 0, 2)]),
            FakeObject(1, PARAMETER, [(t.UINT16, 230, 1, 2)]),
            FakeObject(20, TABLE, [(t.OCTETS, b"summer", 0, 2), (t.array(t.UINT32), list(range(600)), 0, 2)]),
            FakeObject(
                9,
                SCRIPTS,
                [(t.array(t.UINT16), [1, 2], 0, None)],
                [(t.UINT16, self._called("script"), 2), (t.OCTETS, self._echo, 1)],
            ),
            FakeObject(1, SERIAL, [(t.OCTETS, b"LGZ0050725713", 0, None)]),
            FakeObject(1, BROKEN, [(t.UINT32, _broken, 0, None)]),
            FakeObject(1, BREAKING, [(t.array(t.UINT32), _Breaking(), 0, None)]),
            FakeObject(1, FAULTY, [(t.UINT32, _faulty, 0, None)]),
        ]
        self._by_name = {found.logical_name: found for found in self._objects}
        self.count = len(self._objects)

    def _called(self, name):
        def call(value):
            self.calls.append((name, value))

        return call

    def _echo(self, value):
        self.calls.append(("echo", value))
        return t.OCTETS, value

    def get(self, class_id, name):
        found = self._by_name[name]
        if found.class_id != class_id:
            raise WrongClass(class_id)
        return found

    def objects(self):
        return iter(self._objects)

    def base_name(self, found):
        return NAMES[found.logical_name]

    def by_short_name(self, name):
        if name & 7:
            raise KeyError(name)
        for found in self._objects:
            offset = name - self.base_name(found)
            methods_at = METHODS_AT.get(found.class_id, 0x100)
            if 0 <= offset < 8 * found.attributes:
                return found, offset // 8 + 1, None
            if methods_at <= offset < methods_at + 8 * found.methods:
                return found, None, (offset - methods_at) // 8 + 1
        raise KeyError(name)


class FakeAccess:
    """As access.Access: levels count upward, 5 reads what 0 reads. `journal` is what was tried."""

    attempts = 3

    def __init__(self):
        self.journal = []
        self.failures = {}
        self.passwords, self.secrets = dict(PASSWORDS), dict(SECRETS)
        self.refused_mechanisms = []

    def _may(self, needed, level):
        return needed is not None and (0 if level >= 5 else level) >= needed

    def may_read(self, found, n, level):
        return self._may(found.read_level(n), level)

    def may_write(self, found, n, level):
        return self._may(found.write_level(n), level)

    def may_act(self, found, n, level):
        return self._may(found.act_level(n), level)

    def get(self, found, n, level, selection=None):
        if not self._may(found.read_level(n), level):
            raise Refused(door.DENIED)
        return found.get(n) if selection is None else found.get(n, selection)

    def set(self, found, n, value, level):
        if not self.may_write(found, n, level):
            raise Refused(door.DENIED)
        self.journal.append(("set", found.logical_name, n, value))
        found.set(n, value)

    def act(self, found, n, value, level):
        if not self.may_act(found, n, level):
            raise Refused(door.DENIED)
        return found.act(n, value)

    def check_password(self, level, password, channel):
        return self.passwords.get(level) == password

    def secret(self, level):
        return self.secrets.get(level, b"")

    def change_secret(self, level, secret, mechanism):
        self.journal.append(("secret", level, secret))
        (self.passwords if mechanism == 1 else self.secrets)[level] = secret

    def succeeded(self, level, channel):
        self.failures[level] = 0

    def failed(self, level, channel):
        self.failures[level] = self.failures.get(level, 0) + 1

    def locked(self, level, channel):
        return self.failures.get(level, 0) >= self.attempts

    def allowed(self, level, channel, mechanism):
        return mechanism not in self.refused_mechanisms


class FakeKeys:
    encryption, authentication, broadcast = ENCRYPTION_KEY, AUTHENTICATION_KEY, None
    title = METER_TITLE

    def __init__(self, policy=0):
        self.policy = policy


class FakeCounters:
    """As dlms.counters.InvocationCounters, without the memory behind it."""

    def __init__(self):
        self._next = 1
        self._least = {}

    def next(self):
        self._next += 1
        return self._next

    def use(self, number, key):
        pass

    def least(self, slot, mark=None):
        return self._least.get(slot, 0)

    def accept(self, slot, counter, mark=None):
        self._least[slot] = counter + 1


class FakeMeter:
    """A server with all that is behind it."""

    def __init__(self, policy=0, max_pdu=1024, has_keys=True):
        self.model, self.access, self.keys = FakeModel(), FakeAccess(), FakeKeys(policy)
        self.counters = FakeCounters()
        security = Security(self.keys, self.counters) if has_keys else None
        self.server = Server(self.model, self.access, CHANNEL, security, max_pdu)

    def ask(self, client, text):
        """Hexadecimal in, hexadecimal out; None is ""."""
        answer = self.server.request(client, 1, bytes.fromhex(text.replace(" ", "")))
        return "" if answer is None else bytes(answer).hex()


CONTEXT = "a1090607608574050801%02x"
INITIATE_LN = "be10040e01000000065f1f040000%s%04x"
PUBLIC_LN = "601d" + CONTEXT % 1 + INITIATE_LN % ("1e1f", 0)


def aarq(context=1, mechanism=None, value=None, conformance="1e1f", size=0, title=None, extra=""):
    """An AARQ as hexadecimal text."""
    body = extra + CONTEXT % context
    if title is not None:
        body += f"a6{len(title) + 2:02x}04{len(title):02x}" + title.hex()
    if mechanism is not None:
        body += f"8a0207808b07608574050802{mechanism:02x}"
    if value is not None:
        body += f"ac{len(value) + 2:02x}80{len(value):02x}" + value.hex()
    bits = conformance if len(conformance) == 6 else "00" + conformance
    body += f"be10040e01000000065f1f0400{bits}{size:04x}"
    return f"60{len(body) // 2:02x}" + body
