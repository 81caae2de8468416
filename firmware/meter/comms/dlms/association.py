"""One application association: what client and server have agreed upon, and what is under way in it."""

from micropython import const

from meter.comms.dlms.ciphering import AUTHENTICATED

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from meter.comms.dlms.blocks import Incoming, Outgoing
    from meter.comms.dlms.general_block import Transfer
    from meter.comms.dlms.hls import LogIn

# Application contexts: logical names, short names, and both ciphered
LN = const(1)
SN = const(2)
LN_CIPHERED = const(3)
SN_CIPHERED = const(4)

# Authentication mechanisms; those of high-level security are in hls.py
NO_SECURITY = const(0)
LLS = const(1)

# Status, as in the association objects
_NONE = const(0)
_PENDING = const(1)  # the client has yet to prove that it knows the secret
_ASSOCIATED = const(2)


class Association:
    """The association of `client` (SAP), which acts at access `level`. It begins with no one's rights: status 0.

    `send_limit` is the longest APDU to send, in bytes, before protection; `pdu_limit` the same with it.
    """

    def __init__(self, client: int, level: int):
        self.client, self.level = client, level
        self.is_open = self.is_pending = False
        self.context, self.mechanism = LN, NO_SECURITY
        self.conformance = 0
        self.client_limit = self.pdu_limit = self.send_limit = 0
        self.title: "bytes | None" = None  # the client's system title
        self.protection: "Any" = None  # ciphering.Protection in ciphered contexts
        self.needed = 0  # bits of the security control that each request must have
        self.log_in: "LogIn | None" = None
        self.own_object: "Any" = None  # association_objects.OwnObject, as soon as it is open or pending
        self.outgoing: "Outgoing | None" = None  # a long answer under way
        self.incoming: "Incoming | None" = None  # a long request under way
        self.general: "Transfer | None" = None  # in general blocks
        self.in_general_blocks = False  # the request being answered came in them

    @property
    def status(self) -> int:
        return _ASSOCIATED if self.is_open else _PENDING if self.is_pending else _NONE

    @property
    def has_short_names(self) -> bool:
        return self.context == SN or self.context == SN_CIPHERED

    def takes(self, control: int) -> bool:
        """Whether a ciphered APDU with this security control is protected well enough.

        What is encrypted only leaves no counter behind (ciphering.Protection), so nothing but a new challenge tells
        it from a recording: without high-level security each APDU has to be authenticated, whatever the policy.
        """
        needed = self.needed | (AUTHENTICATED if self.mechanism <= LLS else 0)
        return control & needed == needed

    def drop_transfers(self) -> None:
        """Forget long requests and answers that are under way."""
        self.outgoing = self.incoming = self.general = None

    def opened(self) -> None:
        self.is_open, self.is_pending = True, False

    def pending(self, log_in: "LogIn") -> None:
        self.log_in = log_in
        self.is_open, self.is_pending = False, True
