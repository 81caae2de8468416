"""What the numbers of the event log mean, in words: those of the product family, and our own from 170 on."""

from __future__ import annotations

_TABLE = """
1 parameter changed
2 rated energy registers cleared
3 stored values or load profile cleared
4 event log cleared
5 battery voltage low
7 battery ok
8 billing period reset
9 daylight saving changed
10 clock set: old time
11 clock set: new time
12 input switched off
13 input switched on
17 undervoltage L1
18 undervoltage L2
19 undervoltage L3
20 overvoltage L1
21 overvoltage L2
22 overvoltage L3
23 power down
24 power up
25 overcurrent L1
26 overcurrent L2
27 overcurrent L3
28 overcurrent neutral
31 power factor below limit 1
32 power factor below limit 2
45 error register cleared
49 phase failure L1
50 phase failure L2
51 phase failure L3
55 current without voltage L1
56 current without voltage L2
57 current without voltage L3
59 all registers and profiles cleared
63 wrong phase sequence
65 battery low or missing
66 clock invalid
73 main memory access error
75 measuring system access error
76 time device access error
77 profile memory access error
80 display board access error
82 backup data checksum
83 parameter checksum
87 calibration data checksum
89 invalid power-down
90 measuring system error
93 watchdog
94 communication locked
96 wrong extension board
108 voltage missing in all phases
111 total apparent power above limit
112 active power L1 above limit
113 active power L2 above limit
114 active power L3 above limit
128 energy registers cleared
133 terminal cover removed
134 strong magnetic field
170 front cover removed
171 front cover mounted
172 energy reversed
173 energy no longer reversed
174 samples and energies of the metering chip disagree, or cannot be compared
175 samples and energies of the metering chip agree again
176 settings of the metering chip repaired
177 impossible reading of energies not counted
180 log-in failed
187 terminal cover mounted
188 strong magnetic field gone
"""

_NAMES = {int(number): name for number, _, name in (line.partition(" ") for line in _TABLE.strip().splitlines())}
_NAMES |= {32 + n: f"demand {n} above limit" for n in range(1, 9)}


def event_name(number: int) -> str:
    """An event in words, "" if it is none of these."""
    return _NAMES.get(number, "")
