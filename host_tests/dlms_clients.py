"""Clients that nobody here wrote, in one process with a DLMS server: gurux-dlms and dlms-cosem."""

from __future__ import annotations

import struct
from typing import Any

from dlms_cosem import enumerations, security
from dlms_cosem.client import DlmsClient
from gurux_dlms import GXByteBuffer, GXReplyData
from gurux_dlms.enums import (
    Authentication,
    Conformance,
    DataType,
    InterfaceType,
    ObjectType,
    RequestTypes,
    Security,
)
from gurux_dlms.objects import GXDLMSObject
from gurux_dlms.secure import GXDLMSSecureClient

from host_tests.dlms_fakes import AUTHENTICATION_KEY, CLIENT_TITLE, ENCRYPTION_KEY
from tools.meter.gurux import next_block

MECHANISMS = {
    3: Authentication.HIGH_MD5,
    4: Authentication.HIGH_SHA1,
    5: Authentication.HIGH_GMAC,
    6: Authentication.HIGH_SHA256,
}


class Refusal(Exception):
    """The server's answer carries an error; `code` is its Data-Access-Result."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


class GuruxClient:
    """gurux-dlms on the TCP wrapper, whose header is taken off and put on here."""

    def __init__(
        self,
        server: Any,
        client: int = 16,
        password: bytes = b"",
        mechanism: int = 0,
        short_names: bool = False,
        security: int = 0,
        conformance: int | None = None,
    ):
        level = MECHANISMS.get(mechanism, Authentication.LOW if mechanism else Authentication.NONE)
        self.client = GXDLMSSecureClient(not short_names, client, 1, level, password or None, InterfaceType.WRAPPER)
        self.server, self.sap = server, client
        self.apdus: list[bytes] = []  # what the server answered
        cipher = self.client.ciphering
        cipher.systemTitle = bytearray(CLIENT_TITLE)
        cipher.blockCipherKey, cipher.authenticationKey = bytearray(ENCRYPTION_KEY), bytearray(AUTHENTICATION_KEY)
        cipher.security = Security(security)
        cipher.invocationCounter = 1000 * client
        if conformance is not None:
            self.client.proposedConformance = Conformance(conformance)

    def send(self, frame: bytes, reply: GXReplyData) -> None:
        answer = self.server.request(self.sap, 1, bytes(frame)[8:])
        assert answer is not None
        assert len(answer) <= self.server.max_pdu
        self.apdus.append(bytes(answer))
        reply.clear() if reply.moreData == RequestTypes.NONE else None
        header = struct.pack(">HHHH", 1, 1, self.sap, len(answer))
        self.client.getData(GXByteBuffer(header + bytes(answer)), reply)
        if reply.error:
            raise Refusal(reply.error)

    def exchange(self, messages: Any) -> GXReplyData:
        """Send what belongs to one request, and ask for the answer's other blocks."""
        reply = GXReplyData()
        for message in messages if isinstance(messages, list) else [messages]:
            if isinstance(message, list):
                reply = self.exchange(message)
            else:
                self.send(message, reply)
        while reply.isMoreData():
            self.send(next_block(self.client, reply), reply)
        return reply

    def connect(self) -> None:
        reply = self.exchange(self.client.aarqRequest())
        self.client.parseAareResponse(reply.data)
        if self.client.isAuthenticationRequired:
            reply = self.exchange(self.client.getApplicationAssociationRequest())
            self.client.parseApplicationAssociationResponse(reply.data)

    def read(self, found: GXDLMSObject, attribute: int) -> Any:
        reply = self.exchange(self.client.read(found, attribute))
        return self.client.updateValue(found, attribute, reply.value)

    def objects(self) -> Any:
        reply = self.exchange(self.client.getObjectsRequest())
        return self.client.parseObjects(reply.data, True)

    def method(self, found: GXDLMSObject, number: int, value: Any, kind: DataType) -> GXReplyData:
        return self.exchange(self.client.method(found, number, value, kind))

    def release(self) -> GXReplyData:
        return self.exchange(self.client.releaseRequest())


class _InProcess:
    """dlms-cosem's transport: the server is called directly."""

    client_logical_address = server_logical_address = timeout = 0

    def __init__(self, server: Any, sap: int):
        self.io, self._server, self._sap = None, server, sap
        self.apdus: list[bytes] = []

    def connect(self) -> None:
        """Nothing to connect."""

    def disconnect(self) -> None:
        self._server.released()

    def send_request(self, apdu: bytes) -> bytes:
        answer = self._server.request(self._sap, 1, apdu)
        assert answer is not None
        self.apdus.append(bytes(answer))
        return bytes(answer)


class CosemClient(DlmsClient):
    """dlms-cosem on no transport at all; `keys` makes all of it ciphered."""

    def __init__(self, server: Any, client: int = 16, password: bytes = b"", gmac: bool = False, keys: bool = False):
        method: Any = security.NoSecurityAuthentication()
        if gmac:
            method = security.HighLevelSecurityGmacAuthentication(challenge_length=16)
        elif password:
            method = security.LowLevelSecurityAuthentication(password)
        super().__init__(
            _InProcess(server, client),
            method,
            encryption_key=ENCRYPTION_KEY if keys else None,
            authentication_key=AUTHENTICATION_KEY if keys else None,
            client_system_title=CLIENT_TITLE,
            client_initial_invocation_counter=1,
        )


__all__ = ["MECHANISMS", "CosemClient", "DataType", "GuruxClient", "ObjectType", "Refusal", "enumerations"]
