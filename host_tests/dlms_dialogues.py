"""Dialogues with a DLMS server that are right but for some bytes, for either interpreter: `Fuzz(seed).dialogue()`."""

from host_tests.dlms_fakes import (
    AUTHENTICATION_KEY,
    CLIENT_TITLE,
    CLOCK,
    ENCRYPTION_KEY,
    ENERGY,
    METER_TITLE,
    PARAMETER,
    PROFILE,
    SCRIPTS,
    TABLE,
    FakeMeter,
    aarq,
)
from meter.comms.dlms.association_objects import CURRENT
from meter.comms.dlms.blocks import LONGEST_REQUEST
from meter.comms.dlms.ciphering import GENERAL_GLOBAL, GLOBAL, KeyInUse, Protection
from meter.comms.dlms.counters import PassingCounter

GOOD_GET = "c001c10003" + ENERGY.hex() + "0200"
GOOD_ANSWER = "c401c100060012d687"
_CURRENT = CURRENT.hex()
_ENTRIES = "0102" + "0204" + "0600000002" + "0600000003" + "120001" + "120000"
_WRITE = "0001" + PARAMETER.hex() + "0200"

LOGICAL = (
    GOOD_GET,
    "c001c10007" + PROFILE.hex() + "0200",
    "c001c10007" + PROFILE.hex() + "02" + _ENTRIES,
    "c002c100000001",
    "c002c100000002",
    "c001c1000f" + _CURRENT + "0200",
    "c001c1000f" + _CURRENT + "0500",
    "c003c1020003" + ENERGY.hex() + "02000008" + CLOCK.hex() + "0300",
    "c101c1" + _WRITE + "1200f0",
    "c102c1" + _WRITE + "0000000001" + "021200",
    "c103c1" + "0100000002" + "01f0",
    "c104c102" + _WRITE + _WRITE + "02" + "1200f0" + "1200f1",
    "c105c101" + _WRITE + "0100000001" + "04" + "011200f0",
    "c101c10014" + TABLE.hex() + "03000102" + "0600000001" + "0600000002",
    "c301c10009" + SCRIPTS.hex() + "01" + "01120007",
    "c301c10009" + SCRIPTS.hex() + "02" + "01" + "0909" + "00" * 9,
    "c303c1010009" + SCRIPTS.hex() + "01" + "01" + "120007",
    "c304c10009" + SCRIPTS.hex() + "01" + "0000000001" + "0212",
    "c306c1" + "0100000002" + "0200",
    "c302c100000001",
    "c301c1000f" + _CURRENT + "01" + "010910" + "00" * 16,
    "c301c1000f" + _CURRENT + "02" + "010903616263",
    "c101c1000f" + _CURRENT + "0700" + "0903616263",
    "e08100010000" + "0d" + GOOD_GET,
    "e00100010000" + "06" + GOOD_GET[:12],
    "e08100020000" + "07" + GOOD_GET[12:],
    "e00100020001" + "00",
    "6203800100",
    "d80101",
)
SHORT = (
    "0501021ce8",
    "0501026278",
    "0501050001",
    "0501046278" + _ENTRIES[2:],
    "050102fa08",
    "050102fa10",
    "0503021ce80230080 21ce8".replace(" ", ""),
    "050106000001" + "0502021ce802",
    "050106010002" + "021ce8",
    "0601023008" + "01" + "1200f0",
    "1601023008" + "01" + "1200f0",
    "060107" + "000001" + "0109" + "050102300801",
    "060107" + "010002" + "0109" + "031200f0",
    "0601023220" + "01" + "120007",
    "050104fa5800" + "0910" + "00" * 16,
    "060102fa40" + "01" + "0903616263",
    "050104fa30000101020312000809060000010000ff0f03",
    "6203800100",
)
LOG_INS = (
    aarq(),
    aarq(conformance="201e1f", size=64),
    aarq(conformance="200015"),
    aarq(1, 1, b"11111111"),
    aarq(1, 1, b"11111111", size=40),
    aarq(1, 3, b"12345678"),
    aarq(1, 5, b"12345678", title=CLIENT_TITLE),
    aarq(3, 1, b"11111111", title=CLIENT_TITLE),
)
SHORT_LOG_INS = (
    aarq(2, conformance="3c1b20"),
    aarq(2, 1, b"11111111", "3c1b20", 32),
    aarq(2, 3, b"12345678", "1c1b20"),
)


def _sealed_dialogue(way):
    """A ciphered association and requests in it, from the client's side."""
    key = KeyInUse(ENCRYPTION_KEY, PassingCounter())
    client = Protection(CLIENT_TITLE, METER_TITLE, key, AUTHENTICATION_KEY)
    initiate = client.protect(bytes.fromhex("01000000065f1f0400605e9f0000"), 0x30, 10, way)
    body = bytes.fromhex("a109060760857405080103a60a0408") + CLIENT_TITLE
    body += bytes.fromhex("8a0207808b0760857405080201ac0a80083131313131313131")
    body += bytes((0xBE, len(initiate) + 2, 4, len(initiate))) + bytes(initiate)
    out = [bytes((0x60, len(body))) + body]
    for number, text in enumerate((GOOD_GET, "c101c1" + _WRITE + "1200f0", LOGICAL[1], "c002c100000001")):
        out.append(bytes(client.protect(bytes.fromhex(text), 0x30, 11 + number, way)))
    return out


class Fuzz:
    """The same seed gives the same dialogues in both interpreters."""

    def __init__(self, seed):
        self._state = seed * 2654435761 + 12345 & 0x7FFFFFFF
        self._sealed = (_sealed_dialogue(GLOBAL), _sealed_dialogue(GENERAL_GLOBAL))

    def below(self, limit):
        self._state = self._state * 1103515245 + 12345 & 0x7FFFFFFF
        return (self._state >> 12) % limit

    def _of(self, choices):
        return choices[self.below(len(choices))]

    def dialogue(self):
        """A list of APDUs, some of them damaged."""
        kind = self.below(8)
        if kind == 0:
            apdus = list(self._of(self._sealed))
        else:
            log_ins, requests = (LOG_INS, LOGICAL) if kind < 5 else (SHORT_LOG_INS, SHORT)
            texts = [self._of(log_ins)] + [self._of(requests) for _ in range(1 + self.below(5))]
            apdus = [bytes.fromhex(text) for text in texts]
        start = 0 if self.below(3) == 0 else 1  # more often than not the log-in is right
        return apdus[:start] + [self._damaged(apdu) for apdu in apdus[start:]]

    def _damaged(self, apdu):
        kind, out = self.below(9), bytearray(apdu)
        at = self.below(len(out))
        if kind == 0:
            out[at] ^= 1 << self.below(8)
        elif kind == 1:
            out[at] = self.below(256)
        elif kind == 2:
            out = out[:at]
        elif kind == 3:
            out = out[:at] + bytes([self.below(256)]) + out[at:]
        elif kind == 4:
            out = out + bytes([self.below(256) for _ in range(1 + self.below(6))])
        elif kind == 5:
            out = bytearray([self.below(256) for _ in range(1 + self.below(40))])
            out[0] = apdu[0]
        elif kind == 6:
            end = at + self.below(len(out) - at + 1)
            out = out[:at] + out[at:end] + out[at:]
        return bytes(out)


def hold(meter, client, dialogue):
    """Have a dialogue; what must hold after each answer and at its end. AssertionError tells where it does not."""
    server = meter.server
    for apdu in dialogue:
        # Who takes no blocks, and says so, gets an answer whole, up to 8 KiB.
        longest = max([server.max_pdu] + [each.pdu_limit for each in server._associations.values()])
        answer = server.request(client, 1, apdu)
        assert answer is None or 1 < len(answer) <= longest, (apdu.hex(), answer)
        for association in server._associations.values():
            if association.incoming is not None:
                assert len(association.incoming.data) <= LONGEST_REQUEST
            assert association.level * 16 + 16 == client
    assert len(server._associations) <= 1
    server.released()
    served = meter.ask(16, LOG_INS[0]), meter.ask(16, GOOD_GET)
    assert served[0].startswith("6129") and served[1] == GOOD_ANSWER, served
    server.released()


def unchanged(meter, client):
    """That nobody wrote or called who may not: of clients 16 and 32, the latter may change its own secret, no more."""
    assert [call for call in meter.model.calls if call[0] != "echo"] == []
    for entry in meter.access.journal:
        assert client == 32 and (entry[:2] == ("secret", 1) or entry[:3] == ("set", CURRENT, 7)), entry


__all__ = ["Fuzz", "FakeMeter", "hold", "unchanged"]
