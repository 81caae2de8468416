"""The DLMS application layer of one connection: an APDU in, its answer out. README.md has the map."""

from micropython import const

from meter.comms.dlms import acse, services_ln, services_sn
from meter.comms.dlms import conformance as can
from meter.comms.dlms.association import Association
from meter.comms.dlms.association_objects import (
    CURRENT,
    METHODS_AT,
    SHORT_NAME,
    AssociationLN,
    AssociationSN,
    own_name,
)
from meter.comms.dlms.axdr import Malformed
from meter.comms.dlms.blocks import LONGEST_REQUEST, Outgoing
from meter.comms.dlms.ciphering import (
    BROADCAST,
    GENERAL_GLOBAL,
    OLD_COUNTER,
    CipheringError,
    way_of,
)
from meter.comms.dlms.counters import CountersError
from meter.comms.dlms.errors import (
    ACCESS_ERRORS,
    DECIPHERING,
    NOT_ALLOWED,
    NOT_POSSIBLE,
    NOT_SUPPORTED,
    TOO_LONG,
    UNKNOWN_SERVICE,
    counter_error,
)
from meter.comms.dlms.establishment import Establishment
from meter.comms.dlms.general_block import GENERAL_BLOCK, Transfer
from meter.comms.dlms.notifications import Queue, data_notification, event_notification, information_report
from meter.comms.dlms.services_ln import LogicalNames
from meter.comms.dlms.services_sn import ShortNames
from meter.cosem.model import WrongClass

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_MANAGEMENT = const(1)  # SAP of the only logical device
_CONFIRMED_ERROR = const(0x0E)
_EXCEPTION = const(0xD8)
_PUSH = const(40)  # class
MAX_PDU = const(1024)

_SHORT_NAMES = (services_sn.READ, services_sn.WRITE, services_sn.UNCONFIRMED_WRITE)


class Server:
    """The associations of the clients of one port, or of one TCP connection.

    `model`: cosem.model.ObjectModel; `access`: access.Access; `channel`: what the access door calls this port;
    `security`: security.Security, None if the meter has no keys; `max_pdu`: longest APDU accepted and sent, bytes.
    """

    def __init__(self, model, access, channel, security: "Any" = None, max_pdu: int = MAX_PDU):
        self.max_pdu = max_pdu
        self._model, self._access, self._security = model, access, security
        self._establishment = Establishment(access, channel, security, max_pdu)
        self._associations: dict = {}  # by client SAP
        self._queue = Queue()
        names = LogicalNames(self._find, access)
        short_names = ShortNames(self._find_short, access)
        self._services = dict.fromkeys((services_ln.GET, services_ln.SET, services_ln.ACTION), names)
        self._short_services = dict.fromkeys(_SHORT_NAMES, short_names)

    def request(self, client: int, logical_device: int, apdu) -> "bytes | bytearray | None":
        """The answer to an APDU from `client` (SAP), None if there is none. It never raises, whatever the bytes are."""
        if logical_device != _MANAGEMENT or not apdu:
            return None
        if len(apdu) > self.max_pdu:
            return TOO_LONG
        association = self._associations.get(client)
        apdu = bytes(apdu)
        try:
            if association is not None and (association.is_open or association.is_pending):
                return self._associated(association, apdu)
            return self._unassociated(client, apdu)
        except (Malformed, IndexError):
            return _malformed(apdu[0])
        except MemoryError:  # a heap in pieces: what is under way in this association gives its part back
            if association is not None:
                association.drop_transfers()
            return NOT_POSSIBLE

    @property
    def standing(self) -> int:
        """What its connection is worth: 0 no association is open, 1 only the public client's, 2 one by log-in."""
        return max(
            [0] + [1 + (association.level > 0) for association in self._associations.values() if association.is_open]
        )

    def released(self) -> None:
        """The lower layer's connection has ended, and with it all associations."""
        self._associations.clear()

    # --- dispatch ---------------------------------------------------------------------------------------------------

    def _unassociated(self, client: int, apdu: bytes) -> "bytes | bytearray | None":
        tag = apdu[0]
        if tag == acse.AARQ:
            return self._associate(client, apdu)
        if tag == acse.RLRQ:
            return acse.rlre()  # it is what the client wants; it may not know that it has been released
        if tag in _SHORT_NAMES:
            return services_sn.no_context(tag)
        if tag in self._services or tag == GENERAL_BLOCK or way_of(tag) is not None:
            return NOT_POSSIBLE
        return None if tag in (_EXCEPTION, _CONFIRMED_ERROR) else UNKNOWN_SERVICE

    def _associated(self, association: Association, apdu: bytes) -> "bytes | bytearray | None":
        tag = apdu[0]
        if tag == acse.AARQ:
            return self._associate(association.client, apdu)
        if tag == acse.RLRQ:
            return self._release(association, apdu)
        if tag == GENERAL_BLOCK:
            return self._general_block(association, apdu)
        association.general = None
        answer = self._executed(association, apdu)
        if type(answer) is Outgoing:
            association.general = Transfer()
            return association.general.begin(answer, association.pdu_limit)
        return answer

    def _executed(self, association: Association, apdu: bytes):
        """The answer to a request of any service, ciphered or not: bytes, an Outgoing or None."""
        tag = apdu[0]
        way = way_of(tag) if association.protection is not None else None
        if way is not None:
            return self._ciphered(association, apdu, way)
        if association.needed and (tag in self._services or tag in self._short_services):
            return NOT_ALLOWED
        return self._plain(association, apdu)

    def _plain(self, association: Association, apdu):
        services = self._short_services if association.has_short_names else self._services
        service = services.get(apdu[0])
        if service is not None:
            return service.request(association, apdu)
        if apdu[0] in (_EXCEPTION, _CONFIRMED_ERROR):  # the client gives up what is under way
            association.drop_transfers()
            return None
        return UNKNOWN_SERVICE

    # --- associations -----------------------------------------------------------------------------------------------

    def _associate(self, client: int, apdu: bytes) -> "bytes | bytearray":
        """A new association takes the place of the client's old one; so does none, if it is refused."""
        self._associations.pop(client, None)
        association, answer = self._establishment.request(client, apdu)
        if association is not None:
            kind = AssociationSN if association.has_short_names else AssociationLN
            association.own_object = kind(association, self._model, self._access, self._reply, self.max_pdu)
            self._associations[client] = association
        return answer

    def _release(self, association: Association, apdu: bytes) -> "bytearray | None":
        answer = self._establishment.release(association, apdu)
        if answer is not None:
            del self._associations[association.client]
        return answer

    def _reply(self, association: Association, proof: bytes) -> "bytes | None":
        return self._establishment.reply(association, proof)

    # --- objects ----------------------------------------------------------------------------------------------------

    def _find(self, association: Association, class_id: int, name: bytes):
        """The object of a logical name; KeyError, WrongClass."""
        own = association.own_object
        if name == CURRENT or class_id == own.class_id and name == own_name(association.client):
            if class_id != own.class_id:
                raise WrongClass(class_id)
            return own
        return self._for(association, self._model.get(class_id, name))

    def _find_short(self, association: Association, name: int) -> tuple:
        """(object, attribute or None, method or None) of a short name; KeyError."""
        own = association.own_object
        offset = name - SHORT_NAME
        if name & 7 or not 0 <= offset < METHODS_AT + 8 * own.methods:
            found, n, method = self._model.by_short_name(name)
            return self._for(association, found), n, method
        if offset < 8 * own.attributes:
            return own, offset // 8 + 1, None
        if offset < METHODS_AT:
            raise KeyError(name)
        return own, None, (offset - METHODS_AT) // 8 + 1

    def _for(self, association: Association, found):
        """An object as this association has it: what is pushed by its client's request goes to that client."""
        if found.class_id == _PUSH:
            found.deliver = lambda spec, value: self.push(association.client, spec, value)
        return found

    # --- protection -------------------------------------------------------------------------------------------------

    def _ciphered(self, association: Association, apdu: bytes, way: int):
        protection = association.protection
        try:
            plain, control, _ = protection.unprotect(apdu)
        except CipheringError as error:
            if error.reason == OLD_COUNTER:
                return counter_error(error.least)
            return DECIPHERING
        except (CountersError, OSError):
            return NOT_POSSIBLE
        if not association.takes(control):
            return NOT_ALLOWED
        try:
            answer = self._plain(association, bytes(plain))
        except (Malformed, IndexError):
            answer = _malformed(plain[0])
        if type(answer) is Outgoing:  # is sealed as a whole, so it cannot be of any length
            try:
                answer, is_all = answer.take(LONGEST_REQUEST)
            except ACCESS_ERRORS:
                is_all = False
            if not is_all:
                answer = TOO_LONG
        if answer is None or answer[0] == _EXCEPTION and way < GENERAL_GLOBAL:
            return answer  # an exception has no service-specific ciphered form
        sealed = self._sealed(association, answer, control & ~BROADCAST, way)
        if len(sealed) > association.pdu_limit and association.conformance & can.GENERAL_BLOCKS:
            return Outgoing(0, iter((sealed,)))
        return sealed

    def _sealed(self, association: Association, apdu, control: int, way: int) -> "bytes | bytearray":
        try:
            return association.protection.protect(apdu, control, self._security.next_counter(), way)
        except (CipheringError, CountersError, OSError):
            return NOT_POSSIBLE

    # --- general blocks ---------------------------------------------------------------------------------------------

    def _general_block(self, association: Association, apdu: bytes) -> "bytes | bytearray | None":
        if not association.conformance & can.GENERAL_BLOCKS:
            return NOT_SUPPORTED
        if association.general is None or Transfer.begins_with(apdu):
            association.general = Transfer()

        def execute(request: bytes):
            association.in_general_blocks = association.protection is None
            try:
                if not request or request[0] not in self._services and way_of(request[0]) is None:
                    return NOT_POSSIBLE
                return self._executed(association, request)
            finally:
                association.in_general_blocks = False

        return association.general.take(apdu, association.pdu_limit, execute)

    # --- notifications ----------------------------------------------------------------------------------------------

    def push(self, client: int, spec, value, time: bytes = b"") -> None:
        """Queue a data notification for `client` (SAP). `time`: date-time of 12 bytes, or empty.

        ValueError if it is longer than an APDU may be, or than the client's association takes. A client needs no
        association to get it, as long as the security policy asks for no protection.
        """
        self._put(client, data_notification(self._queue.next_number(), time, spec, value))

    def event(self, client: int, found, n: int, value, time: bytes = b"") -> None:
        """Queue the news that attribute `n` of an object has this value, in the form that the client's names have."""
        association = self._associations.get(client)
        if association is not None and association.has_short_names:
            name = self._model.base_name(found) + 8 * (n - 1)
            self._put(client, information_report(name, found.spec(n), value))
        else:
            self._put(client, event_notification(found, n, time, value))

    def _put(self, client: int, apdu: bytearray) -> None:
        association = self._associations.get(client)
        if len(apdu) > (self.max_pdu if association is None else association.send_limit):
            raise ValueError("notification of %d bytes" % len(apdu))
        self._queue.put(client, apdu)

    def notification(self) -> "tuple | None":
        """(client, logical device, APDU) that waits to be sent, or None. What cannot be protected as the policy wants
        it is not sent at all."""
        while True:
            waiting = self._queue.get()
            if waiting is None:
                return None
            client, apdu = waiting
            association = self._associations.get(client)
            if association is not None and association.is_open and association.protection is not None:
                if association.needed:
                    apdu = self._sealed(association, apdu, association.needed, GENERAL_GLOBAL)
                if apdu is not NOT_POSSIBLE:
                    return client, _MANAGEMENT, apdu
            elif self._security is None or not self._security.needed:
                return client, _MANAGEMENT, apdu


def _malformed(tag: int) -> "bytes | None":
    """The answer to bytes that are no request of the service that the tag says."""
    return services_sn.malformed(tag) if tag in _SHORT_NAMES else NOT_POSSIBLE
