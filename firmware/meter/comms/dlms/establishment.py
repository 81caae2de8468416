"""How an association begins: from AARQ to AARE, and the two passes of high-level security after it.

What is wrong with a request is told by the diagnostic that the standard has for it (Green Book, 9.4.2): first what ACSE
finds, then what is wrong with the InitiateRequest, the password last, so that only whole requests can try one.
"""

from micropython import const

from meter.access import level_of_client
from meter.comms.dlms import acse, hls
from meter.comms.dlms.acse import Aarq, Initiate
from meter.comms.dlms.association import LLS, LN, LN_CIPHERED, NO_SECURITY, SN_CIPHERED, Association
from meter.comms.dlms.axdr import Malformed
from meter.comms.dlms.ciphering import AUTHENTICATED, ENCRYPTED, CipheringError, KeyInUse, way_of
from meter.comms.dlms.conformance import BLOCK_READ, GENERAL_BLOCKS, negotiate
from meter.comms.dlms.counters import CountersError, PassingCounter
from meter.comms.dlms.hls import GMAC, SHA256

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

# Associate-result, and the diagnostics of the acse-service-user
_ACCEPTED = const(0)
_REJECTED = const(1)
_NO_DIAGNOSTIC = const(0)
_NO_REASON = const(1)
_CONTEXT_NOT_SUPPORTED = const(2)
_CALLING_TITLE_NOT_RECOGNISED = const(3)
_MECHANISM_NOT_RECOGNISED = const(11)
_MECHANISM_REQUIRED = const(12)
_AUTHENTICATION_FAILURE = const(13)
_AUTHENTICATION_REQUIRED = const(14)
_NO_COMMON_VERSION = const(2)  # of the acse-service-provider

# ConfirmedServiceError to the InitiateRequest: class of error, error
_INITIATE_OTHER = const(0x0600)
_INITIATE_VERSION = const(0x0601)
_INITIATE_CONFORMANCE = const(0x0602)
_INITIATE_PDU_SIZE = const(0x0603)
_INITIATE_REFUSED = const(0x0604)
_DECIPHERING = const(0x0006)

_VERSION = const(6)
_LEAST_PDU = const(12)  # bytes, of the standard
_PROTECTION_BYTES = const(30)  # that ciphering adds at most: tag, title, length, security header, authentication tag
_LONGEST_WHOLE = const(8192)  # bytes of an answer to a client that cannot take it in blocks
_LEAST_TEXT = const(32)  # bytes to be left for the APDU itself in a ciphered context
_KEY_BYTES = const(16)


class Rejected(Exception):
    """`diagnostic` of the AARE, `information` the xDLMS error in it, if there is one."""

    def __init__(self, diagnostic: int, information: "bytes | None" = None, is_provider: bool = False):
        super().__init__(diagnostic)
        self.diagnostic, self.information, self.is_provider = diagnostic, information, is_provider


def _no_initiate(error: int) -> Rejected:
    """What is wrong is the InitiateRequest."""
    return Rejected(_NO_REASON, bytes((0x0E, 1, error >> 8, error & 0xFF)))


class Establishment:
    """`access`, `channel`: the access door and the channel that clients come by; `security` is None in a meter without
    keys, else security.Security; `max_pdu`: longest APDU taken and sent, bytes."""

    def __init__(self, access, channel: int, security: "Any", max_pdu: int):
        self._access, self._channel, self._security, self._max_pdu = access, channel, security, max_pdu

    def request(self, client: int, apdu) -> tuple:
        """(the new association or None, the AARE) for an AARQ of `client` (SAP)."""
        context = LN
        try:
            aarq = Aarq(apdu)
            if aarq.context is not None and LN <= aarq.context <= SN_CIPHERED:
                context = aarq.context
            return self._accepted(client, aarq)
        except (Malformed, IndexError):
            return None, acse.aare(context, _REJECTED, _NO_REASON)
        except Rejected as no:
            answer = acse.aare(context, _REJECTED, no.diagnostic, no.is_provider, information=no.information)
            return None, answer

    def _accepted(self, client: int, aarq: Aarq) -> tuple:
        if not aarq.has_version_1:
            raise Rejected(_NO_COMMON_VERSION, is_provider=True)
        level = level_of_client(client)
        if level is None:
            raise Rejected(_CALLING_TITLE_NOT_RECOGNISED)
        association = Association(client, level)
        self._take_context(association, aarq)
        association.mechanism = self._mechanism(level, aarq)
        if aarq.information is None:
            raise _no_initiate(_INITIATE_OTHER)
        plain, protected = self._opened(association, aarq.information)
        response: "bytes | bytearray" = self._initiated(association, Initiate(plain), protected)
        diagnostic = self._authenticate(association, aarq)
        hls_pass = None
        if association.log_in is not None:
            hls_pass = association.mechanism, association.log_in.challenge
        tells = association.protection is not None or association.mechanism in (GMAC, SHA256)
        title = self._security.title if self._security is not None and tells else None
        if protected is not None:
            response = self._sealed(association, response, protected)
        answer = acse.aare(association.context, _ACCEPTED, diagnostic, False, title, hls_pass, response)
        return association, answer

    # --- ACSE -------------------------------------------------------------------------------------------------------

    def _take_context(self, association: Association, aarq: Aarq) -> None:
        context = aarq.context
        if context is None or not LN <= context <= SN_CIPHERED:
            raise Rejected(_CONTEXT_NOT_SUPPORTED)
        is_ciphered = context >= LN_CIPHERED
        if is_ciphered and self._security is None:
            raise Rejected(_CONTEXT_NOT_SUPPORTED)
        association.context = context
        association.title = aarq.title
        needed = self._security.needed if self._security is not None else 0
        if is_ciphered:
            association.protection = self._protection(association)
            association.needed = needed
        elif needed and association.level:  # the public client finds the invocation counter here
            raise Rejected(_CONTEXT_NOT_SUPPORTED)

    def _protection(self, association: Association):
        if association.title is None:
            raise Rejected(_CALLING_TITLE_NOT_RECOGNISED)
        try:
            return self._security.protection(association.title)
        except (CipheringError, ValueError):
            raise Rejected(_CALLING_TITLE_NOT_RECOGNISED)

    def _mechanism(self, level: int, aarq: Aarq) -> int:
        mechanism = aarq.mechanism
        if mechanism is None:
            if aarq.has_unit:
                raise Rejected(_MECHANISM_REQUIRED)
            mechanism = NO_SECURITY
        elif aarq.has_unit is False:
            mechanism = NO_SECURITY  # the authentication functional unit is declined
        if level == 0 and (mechanism == NO_SECURITY or mechanism == LLS and not aarq.value):
            return NO_SECURITY  # the public client; there are readers that hand in an empty password
        if mechanism == NO_SECURITY:
            raise Rejected(_AUTHENTICATION_REQUIRED)
        if mechanism != LLS and mechanism not in hls.mechanisms():
            raise Rejected(_MECHANISM_NOT_RECOGNISED)
        if not self._access.allowed(level, self._channel, mechanism):
            is_too_weak = self._access.allowed(level, self._channel, SHA256)
            raise Rejected(_MECHANISM_NOT_RECOGNISED if is_too_weak else _AUTHENTICATION_FAILURE)
        return mechanism

    def _authenticate(self, association: Association, aarq: Aarq) -> int:
        """Open the association, or let it wait for the client's proof; the diagnostic of the AARE."""
        level, channel, access = association.level, self._channel, self._access
        if association.mechanism == NO_SECURITY:
            association.opened()
            return _NO_DIAGNOSTIC
        if access.locked(level, channel):
            raise Rejected(_AUTHENTICATION_FAILURE)
        if association.mechanism == LLS:
            if not access.check_password(level, aarq.value or b"", channel):
                access.failed(level, channel)
                raise Rejected(_AUTHENTICATION_FAILURE)
            access.succeeded(level, channel)
            association.opened()
            return _NO_DIAGNOSTIC
        try:
            association.pending(self._log_in(association, aarq.value or b""))
        except (ValueError, KeyError):  # no challenge that is one, no keys, no secret for this level
            raise Rejected(_AUTHENTICATION_FAILURE)
        return _AUTHENTICATION_REQUIRED

    def _log_in(self, association: Association, challenge: bytes) -> hls.LogIn:
        mechanism, secret, security = association.mechanism, b"", self._security
        if mechanism not in (GMAC, SHA256):
            return hls.LogIn(mechanism, challenge, self._access.secret(association.level))
        if security is None:
            raise ValueError("no keys")
        if mechanism == GMAC:
            protection = association.protection or self._protection(association)
            return hls.LogIn(mechanism, challenge, protection=protection, next_counter=security.next_counter)
        if association.title is None:
            raise Rejected(_CALLING_TITLE_NOT_RECOGNISED)
        secret = self._access.secret(association.level)
        return hls.LogIn(mechanism, challenge, secret, (association.title, security.title))

    def reply(self, association: Association, proof: bytes) -> "bytes | None":
        """The third pass: f(CtoS) for the fourth, and the association is open, if `proof` is f(StoC); else None, and
        the association is at its end."""
        log_in = association.log_in
        association.log_in, association.is_pending = None, False
        if log_in is None or self._access.locked(association.level, self._channel):
            return None
        try:
            answer = log_in.answer(proof)
        except (CountersError, OSError):
            return None
        if answer is None:
            self._access.failed(association.level, self._channel)
            return None
        self._access.succeeded(association.level, self._channel)
        association.opened()
        return answer

    # --- xDLMS ------------------------------------------------------------------------------------------------------

    def _opened(self, association: Association, information: bytes) -> tuple:
        """(plain InitiateRequest, (security control, way) of its protection or None)."""
        way = way_of(information[0])
        if way is None:
            if association.needed:
                raise _no_initiate(_INITIATE_REFUSED)
            return information, None
        if association.protection is None:
            raise _no_initiate(_DECIPHERING)
        try:
            plain, control, _ = association.protection.unprotect(information)
        except (CipheringError, CountersError, OSError):
            raise _no_initiate(_DECIPHERING)
        if not association.takes(control):
            raise _no_initiate(_INITIATE_REFUSED)
        # What has begun with a tag goes on with one: a sealed APDU must not be turned into one that claims no seal.
        association.needed |= control & AUTHENTICATED
        return plain, (control, way)

    def _initiated(self, association: Association, initiate: Initiate, protected: "tuple | None") -> bytes:
        """The InitiateResponse; the association has what was negotiated."""
        if initiate.version < _VERSION:
            raise _no_initiate(_INITIATE_VERSION)
        is_ciphered = association.protection is not None
        common = negotiate(initiate.conformance, association.has_short_names, is_ciphered)
        if not common:
            raise _no_initiate(_INITIATE_CONFORMANCE)
        limit = initiate.max_pdu
        if limit and limit < (_PROTECTION_BYTES + _LEAST_TEXT if is_ciphered else _LEAST_PDU):
            raise _no_initiate(_INITIATE_PDU_SIZE)
        if initiate.dedicated_key is not None:
            if protected is None or not protected[0] & ENCRYPTED or len(initiate.dedicated_key) != _KEY_BYTES:
                raise _no_initiate(_INITIATE_REFUSED)
            association.protection.dedicated = KeyInUse(initiate.dedicated_key, PassingCounter())
        association.conformance = common
        association.client_limit = limit
        longest = self._max_pdu if common & (BLOCK_READ | GENERAL_BLOCKS) else _LONGEST_WHOLE
        association.pdu_limit = min(limit or longest, longest)
        association.send_limit = association.pdu_limit - (_PROTECTION_BYTES if is_ciphered else 0)
        return acse.initiate_response(initiate, common, self._max_pdu, association.has_short_names)

    def _sealed(self, association: Association, apdu, protected: tuple) -> bytearray:
        control, way = protected
        try:
            return association.protection.protect(apdu, control, self._security.next_counter(), way)
        except (CipheringError, CountersError, OSError):
            raise _no_initiate(_INITIATE_REFUSED)

    def release(self, association: Association, apdu) -> "bytearray | None":
        """The RLRE to an RLRQ; None if the request pretends to be protected and is not genuine."""
        try:
            information = acse.release_information(apdu)
            if information is None:
                return acse.rlre()
            plain, protected = self._opened(association, information)
            initiate = Initiate(plain)
            response = acse.initiate_response(
                initiate, association.conformance, self._max_pdu, association.has_short_names
            )
            return acse.rlre(response if protected is None else self._sealed(association, response, protected))
        except (Rejected, Malformed, IndexError):
            return None
