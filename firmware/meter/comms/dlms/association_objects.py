"""The association as a COSEM object: class 15 (logical names) and class 12 (short names), Blue Book 4.4.3 and 4.4.4.

There is one for each live association. Its object list shows what the client may do something with, and is made while
it is sent. Version 1 of both classes: what readers of this meter family know.
"""

from micropython import const

from meter import access as door
from meter.access import Refused
from meter.comms.dlms.association import LLS, Association
from meter.comms.dlms.hls import SHA256
from meter.cosem.classes import Object
from meter.cosem.data_types import (
    ANY,
    BITS,
    ENUM,
    INT8,
    INT16,
    NULL,
    OCTETS,
    UINT8,
    UINT16,
    array,
    structure,
)

CURRENT = b"\x00\x00\x28\x00\x00\xff"  # 0.0.40.0.0.255: the one that is asked
SHORT_NAME = const(0xFA00)
METHODS_AT = const(0x20)  # offset of the first method's short name
_SECURITY_SETUP = b"\x00\x00\x2b\x00\x00\xff"
_SERVER = const(1)  # SAP of the management logical device
_UA = (2, 16, 756, 5, 8)  # the object identifier of the DLMS User Association
_CONTEXT_NAME = const(1)
_MECHANISM_NAME = const(2)
_VERSION = const(6)
_PROFILE = const(7)
# Methods with short names
_READ_BY_NAME = const(3)
_CHANGE_LLS = const(5)
_CHANGE_HLS = const(6)
_REPLY = const(8)

_NAME = structure(UINT8, UINT8, UINT16, UINT8, UINT8, UINT8, UINT8)
_RIGHTS = structure(array(structure(INT8, ENUM, array(INT8))), array(structure(INT8, ENUM)))
_XDLMS = structure(BITS, UINT16, UINT16, UINT8, INT8, OCTETS)
_IDENTIFICATION = structure(UINT16, OCTETS, INT8)  # class, logical name, attribute


def own_name(client: int) -> bytes:
    """The logical name of a client's association: 0.0.40.0.1.255 is the public client's."""
    return bytes((0, 0, 40, 0, client >> 4, 255))


class _Rows:
    """The rows of an object list: an iterable that has a length, as the array's count goes first."""

    def __init__(self, count: int, rows):
        self._count, self._rows = count, rows

    def __len__(self) -> int:
        return self._count

    def __iter__(self):
        return self._rows()


class OwnObject(Object):
    """What both classes share. `reply(association, proof)` does the third pass of high-level security."""

    version = 1

    def __init__(self, association: Association, model, access, reply, max_pdu: int):
        super().__init__(CURRENT)
        self._association, self._model, self._access = association, model, access
        self._reply, self._max_pdu = reply, max_pdu
        self._visible = 0  # objects in the list, counted when it is first asked for

    def read_level(self, n: int) -> "int | None":
        return 0

    def write_level(self, n: int) -> "int | None":
        return None

    def set(self, n: int, value) -> None:
        raise Refused(door.DENIED)

    def selection_spec(self, n: int, selector: int):
        raise KeyError(selector)

    # --- the object list --------------------------------------------------------------------------------------------

    def _rows(self, row) -> _Rows:
        """`row(object)` for each object that the client may do something with."""
        if not self._visible:
            for _ in self._seen():
                self._visible += 1
        return _Rows(self._visible, lambda: (row(found) for found in self._seen()))

    def _seen(self):
        yield self
        level, access = self._association.level, self._access
        for found in self._model.objects():
            for n in range(2, found.attributes + 1):
                if access.may_read(found, n, level) or access.may_write(found, n, level):
                    yield found
                    break
            else:
                for n in range(1, found.methods + 1):
                    if access.may_act(found, n, level):
                        yield found
                        break

    def _rights(self, found) -> tuple:
        """Access rights as both classes tell them: attributes (number, mode, selectors), methods (number, mode)."""
        level, access = self._association.level, self._access
        attributes: "list[tuple]" = [(1, 1, None)]
        for n in range(2, found.attributes + 1):
            mode = (1 if access.may_read(found, n, level) else 0) | (2 if access.may_write(found, n, level) else 0)
            selectors = [1, 2] if n == 2 and mode and found.class_id == _PROFILE else None
            attributes.append((n, mode, selectors))
        methods = [(n, 1 if access.may_act(found, n, level) else 0) for n in range(1, found.methods + 1)]
        return attributes, methods

    # --- methods ----------------------------------------------------------------------------------------------------

    def _third_pass(self, proof) -> tuple:
        answer = self._reply(self._association, proof or b"")
        if answer is None:
            raise Refused(door.DENIED)
        return OCTETS, answer

    def _change_secret(self, secret, mechanism: int) -> None:
        """The client's own password (LLS) or secret of high-level security."""
        self._access.change_secret(self._association.level, secret, mechanism)


class AssociationLN(OwnObject):
    """Class 15, version 1."""

    class_id = 15
    attributes = 9
    methods = 4
    _SPECS = (
        OCTETS,
        array(structure(UINT16, UINT8, OCTETS, _RIGHTS)),
        structure(INT8, UINT16),
        _NAME,
        _XDLMS,
        _NAME,
        OCTETS,
        ENUM,
        OCTETS,
    )

    def spec(self, n: int):
        if not 1 <= n <= self.attributes:
            raise KeyError(n)
        return self._SPECS[n - 1]

    def read_level(self, n: int) -> "int | None":
        return None if n == 7 else 0

    def write_level(self, n: int) -> "int | None":
        return self._association.level if n == 7 and self._association.level else None

    def get(self, n: int, selection=None):
        association = self._association
        if n == 1:
            return self.logical_name
        if n == 2:
            return self._rows(self._row)
        if n == 3:
            return association.client, _SERVER
        if n == 4:
            return _UA + (_CONTEXT_NAME, association.context)
        if n == 5:
            conformance = bin(0x1000000 | association.conformance)[3:]
            return conformance, self._max_pdu, association.client_limit, _VERSION, 0, b""
        if n == 6:
            return _UA + (_MECHANISM_NAME, association.mechanism)
        if n == 8:
            return association.status
        if n == 9:
            return _SECURITY_SETUP
        raise KeyError(n)

    def set(self, n: int, value) -> None:
        if n != 7:
            raise Refused(door.DENIED)
        self._change_secret(value, LLS)

    def method_spec(self, n: int):
        if not 1 <= n <= self.methods:
            raise KeyError(n)
        return OCTETS if n <= 2 else ANY

    def act_level(self, n: int) -> "int | None":
        if n == 1:
            return 0
        return self._association.level if n == 2 and self._association.level else None

    def act(self, n: int, value) -> "tuple | None":
        if n == 1:
            return self._third_pass(value)
        if n != 2:
            raise Refused(door.DENIED)
        self._change_secret(value, SHA256)
        return None

    def _row(self, found) -> tuple:
        return found.class_id, found.version, found.logical_name, self._rights(found)


class AssociationSN(OwnObject):
    """Class 12, version 1, at short name FA00. Its methods 1, 2 and 7 are reserved."""

    class_id = 12
    attributes = 3
    methods = 8
    _SPECS = (
        OCTETS,
        array(structure(INT16, UINT16, UINT8, OCTETS)),
        array(structure(INT16, *_RIGHTS[1:])),
    )
    _METHODS = {_READ_BY_NAME: array(_IDENTIFICATION), _CHANGE_LLS: OCTETS, _CHANGE_HLS: OCTETS, _REPLY: OCTETS}

    def spec(self, n: int):
        if not 1 <= n <= self.attributes:
            raise KeyError(n)
        return self._SPECS[n - 1]

    def get(self, n: int, selection=None):
        if n == 1:
            return self.logical_name
        if n == 2:
            return self._rows(lambda found: (self._base(found), found.class_id, found.version, found.logical_name))
        if n == 3:
            return self._rows(lambda found: (self._base(found),) + self._rights(found))
        raise KeyError(n)

    def _base(self, found) -> int:
        """The object's short name as the signed number that the class has for it."""
        name = SHORT_NAME if found is self else self._model.base_name(found)
        return name - 0x10000 if name & 0x8000 else name

    def method_spec(self, n: int):
        return self._METHODS[n]

    def act_level(self, n: int) -> "int | None":
        if n in (_READ_BY_NAME, _REPLY):
            return 0
        return self._association.level if n in self._METHODS and self._association.level else None

    def act(self, n: int, value) -> "tuple | None":
        if n == _REPLY:
            return self._third_pass(value)
        if n == _READ_BY_NAME:
            return self._read_by_name(value or ())
        if n not in self._METHODS:
            raise KeyError(n)
        self._change_secret(value, LLS if n == _CHANGE_LLS else SHA256)
        return None

    def _read_by_name(self, identifications) -> tuple:
        """The values of attributes that are named by logical name: null-data is what cannot be read."""
        values = []
        for class_id, name, n in identifications:
            try:
                found = self if (class_id, name) == (self.class_id, CURRENT) else self._model.get(class_id, name)
                values.append((found.spec(n), self._access.get(found, n, self._association.level)))
            except (KeyError, Refused):
                values.append((NULL, None))
        return array(ANY), values
