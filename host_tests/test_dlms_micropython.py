"""The application layer under MicroPython: the same answers as in CPython, nothing left behind, and fast enough."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from host_tests.dlms_dialogues import Fuzz
from host_tests.dlms_fakes import FakeMeter
from host_tests.interpreters import on_micropython
from meter.comms.dlms import hls
from tools.bench.process import ROOT

SEED, DIALOGUES = 7, 400

BEGINNING = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "firmware")!r}]
import gc, hashlib, json, time
from host_tests.dlms_dialogues import CLIENT_TITLE, GOOD_GET, Fuzz, aarq
from host_tests.dlms_fakes import AUTHENTICATION_KEY, ENCRYPTION_KEY, METER_TITLE, FakeMeter
from meter.comms.dlms import hls
"""


class FixedRandom:
    """In the place of `os`: each challenge is the same."""

    @staticmethod
    def urandom(length):
        return bytes(range(length))


def digest_of_answers(fuzz: Any, dialogues: int) -> str:
    digest = hashlib.sha256()
    for n in range(dialogues):
        meter = FakeMeter(3 * (n % 3 == 0), 256)
        for apdu in fuzz.dialogue():
            digest.update(bytes(meter.server.request(16 + 16 * (n % 2), 1, apdu) or b"") + b"|")
    return digest.hexdigest()


def run(script: str) -> Any:
    """What a script prints as JSON, in a heap as small as the meter's twice over: its words are twice as long."""
    printed = on_micropython(BEGINNING + script, "768K", timeout=120)
    return json.loads(printed)


ANSWERS = """
class FixedRandom:
    @staticmethod
    def urandom(length):
        return bytes(range(length))
hls.os = FixedRandom
fuzz, digest = Fuzz(%d), hashlib.sha256()
for n in range(%d):
    meter = FakeMeter(3 * (n %% 3 == 0), 256)
    for apdu in fuzz.dialogue():
        digest.update(bytes(meter.server.request(16 + 16 * (n %% 2), 1, apdu) or b"") + b"|")
print(json.dumps(digest.digest().hex()))
"""


def test_both_interpreters_answer_damaged_dialogues_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hls, "os", FixedRandom)
    assert run(ANSWERS % (SEED, DIALOGUES)) == digest_of_answers(Fuzz(SEED), DIALOGUES)


MEMORY = """
meter, fuzz, used = FakeMeter(max_pdu=256), Fuzz(3), []
for turn in range(3):
    for n in range(150):
        for apdu in fuzz.dialogue():
            meter.server.request(16 + 16 * (n % 2), 1, apdu)
    meter.server.released()
    meter.access.journal.clear()
    meter.model.calls.clear()
    gc.collect()
    used.append(gc.mem_alloc())
print(json.dumps(used))
"""


def test_hundreds_of_dialogues_leave_nothing_in_the_heap() -> None:
    used = run(MEMORY)
    assert used[2] - used[1] < 1024, used


LONG_ANSWER = """
meter = FakeMeter(max_pdu=256)
ask = lambda text: meter.server.request(32, 1, bytes.fromhex(text))
ask(aarq(1, 1, b"11111111"))
gc.collect()
gc.threshold(1024)  # what is not in use any more does not count
most, before, number = 0, gc.mem_alloc(), 1
answer = ask("c001c100070100630100ff0200")
length = len(answer)
while not answer[3]:
    answer = ask("c002c1%08x" % number)
    gc.collect()
    most, number, length = max(most, gc.mem_alloc() - before), number + 1, length + len(answer)
print(json.dumps([length, most]))
"""


def test_a_long_answer_is_never_in_memory_as_a_whole() -> None:
    length, most = run(LONG_ANSWER)
    assert length > 10_000
    assert most < 3000, most


SPEED = """
def shortest(call, n):
    best = 1 << 28
    for _ in range(n):
        start = time.ticks_us()
        call()
        best = min(best, time.ticks_diff(time.ticks_us(), start))
    return best

meter = FakeMeter()
request = meter.server.request
get, short, log_in = bytes.fromhex(GOOD_GET), bytes.fromhex("0501021ce8"), bytes.fromhex(aarq(1, 1, b"11111111"))
meter.ask(16, aarq())
found = {"get": shortest(lambda: request(16, 1, get), 500), "log-in": shortest(lambda: request(32, 1, log_in), 300)}
meter.ask(32, aarq(2, 1, b"11111111", "1c1b20"))
found["read"] = shortest(lambda: request(32, 1, short), 500)

from meter.comms.dlms.ciphering import KeyInUse, Protection
from meter.comms.dlms.counters import PassingCounter
client = Protection(CLIENT_TITLE, METER_TITLE, KeyInUse(ENCRYPTION_KEY, PassingCounter()), AUTHENTICATION_KEY)
aarq5, counter, took = bytes.fromhex(aarq(1, 5, b"12345678", title=CLIENT_TITLE)), 1, []
for n in range(30):
    meter.server._security._kept = [(None, None), (None, None)]  # the key's tables are made anew
    start = time.ticks_us()
    challenge = bytes(request(32, 1, aarq5))
    first = time.ticks_diff(time.ticks_us(), start)
    challenge = challenge[challenge.index(b"\\xaa\\x12\\x80\\x10") + 4:][:16]
    proof = client.sign(challenge, n + 1)
    reply = bytes.fromhex("c301c1000f0000280000ff01010911") + proof
    start = time.ticks_us()
    answer = request(32, 1, reply)
    took.append(first + time.ticks_diff(time.ticks_us(), start))
    assert answer[:4] == bytes.fromhex("c701c100")
found["GMAC"] = min(took)
print(json.dumps(found))
"""


def test_requests_take_no_longer_than_they_may_on_the_unix_port() -> None:
    found = run(SPEED)
    assert found["get"] <= 100 and found["read"] <= 100, found
    assert found["log-in"] <= 800, found
    assert found["GMAC"] <= 15_000, found
