"""The ADE9000's register map: addresses, reset values, what may be written (data sheet Rev. B, register tables).

Addresses are 12 bit. 0x480..0x4FE are 16 bit wide, everything else 32. Phase registers exist three times: B is 0x20
above A, C 0x40, both for the settings at 0x000.. and the results at 0x20A..
"""

from __future__ import annotations

PHASE_STEP = 0x20

# settings of one phase, offsets from 0x000 / 0x020 / 0x040
IGAIN, PHCAL0, VGAIN, IRMSOS, VRMSOS, PGAIN = 0x00, 0x06, 0x0B, 0x0C, 0x0D, 0x0E
WATTOS, VAROS, FWATTOS, FVAROS, IFRMSOS, VFRMSOS = 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14
VRMSONEOS, IRMSONEOS, VRMS1012OS, IRMS1012OS = 0x15, 0x16, 0x17, 0x18
# settings of all phases and of the neutral
CONFIG0, NIRMSOS, ISUMRMSOS, NIGAIN, NPHCAL, NIRMSONEOS, NIRMS1012OS = 0x60, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70
VNOM, DICOEFF, ISUMLVL = 0x71, 0x72, 0x73

# results of one phase, offsets from 0x200 / 0x220 / 0x240
R_PHASE = 0x200
RESULT_NAMES = (
    *("I_PCF", "V_PCF", "IRMS", "VRMS", "IFRMS", "VFRMS", "WATT", "VAR", "VA", "FWATT", "FVAR", "FVA", "PF", "VTHD"),
    *("ITHD", "IRMSONE", "VRMSONE", "IRMS1012", "VRMS1012", "MTREGION"),
)
RESULT_OFFSET = {name: 0x0A + n for n, name in enumerate(RESULT_NAMES)}
NI_PCF, NIRMS, NIRMSONE, NIRMS1012, ISUMRMS, VERSION2 = 0x265, 0x266, 0x267, 0x268, 0x269, 0x26A

# energies: HI register of phase A by kind; kinds in the order of PHNOLOAD's bits. Phases are 0x3C apart.
ENERGY_KINDS = ("WATT", "VAR", "VA", "FWATT", "FVAR", "FVA")
ENERGY_HI_A = {"WATT": 0x2E7, "VAR": 0x2F1, "VA": 0x2FB, "FWATT": 0x305, "FVAR": 0x30F, "FVA": 0x319}
ENERGY_PHASE_STEP = 0x3C
PWATT_ACC_HI, NWATT_ACC_HI, PVAR_ACC_HI, NVAR_ACC_HI = 0x397, 0x39B, 0x39F, 0x3A3

IPEAK, VPEAK, STATUS0, STATUS1, EVENT_STATUS, MASK0, MASK1 = 0x400, 0x401, 0x402, 0x403, 0x404, 0x405, 0x406
EVENT_MASK, OILVL, OIA, USER_PERIOD, VLEVEL = 0x407, 0x409, 0x40A, 0x40E, 0x40F
DIP_LVL, DIPA, SWELL_LVL, SWELLA, APERIOD, COM_PERIOD = 0x410, 0x411, 0x414, 0x415, 0x418, 0x41B
ACT_NL_LVL, REACT_NL_LVL, APP_NL_LVL, PHNOLOAD = 0x41C, 0x41D, 0x41E, 0x41F
WTHR, VARTHR, VATHR, LAST_DATA_32, ADC_REDIRECT, CF_LCFG = 0x420, 0x421, 0x422, 0x423, 0x424, 0x425
PART_ID, TEMP_TRIM = 0x472, 0x474

RUN, CONFIG1, ANGL_VA_VB, DIP_CYC, SWELL_CYC, OISTATUS = 0x480, 0x481, 0x482, 0x48B, 0x48C, 0x48F
CFMODE, COMPMODE, ACCMODE, CONFIG3, CF1DEN = 0x490, 0x491, 0x492, 0x493, 0x494
ZXTOUT, ZXTHRSH, ZX_LP_SEL, SEQ_CYC, PHSIGN = 0x498, 0x499, 0x49A, 0x49C, 0x49D
WFB_CFG, WFB_PG_IRQEN, WFB_TRG_CFG, WFB_TRG_STAT, CONFIG5 = 0x4A0, 0x4A1, 0x4A2, 0x4A3, 0x4A4
CRC_RSLT, CRC_SPI, LAST_DATA_16, LAST_CMD, CONFIG2 = 0x4A8, 0x4A9, 0x4AC, 0x4AE, 0x4AF
EP_CFG, PWR_TIME, EGY_TIME, CRC_FORCE, CRC_OPTEN = 0x4B0, 0x4B1, 0x4B2, 0x4B4, 0x4B5
TEMP_CFG, TEMP_RSLT, PGA_GAIN, CHNL_DIS, WR_LOCK = 0x4B6, 0x4B7, 0x4B9, 0x4BA, 0x4BF
VAR_DIS, VERSION = 0x4E0, 0x4FE
SINC_DAT, LPF_DAT = 0x500, 0x510
BURST_1, BURST_1_END, BURST_2, BURST_2_END, BUFFER = 0x600, 0x63C, 0x680, 0x6BC, 0x800

# full-scale codes at 0.707 V rms on both inputs, all gains 1 (data sheet table 1; hardware page A.9)
PCF_FULL_SCALE = 74_532_013
POWER_UNIT = 2**27  # xWATT = V_PCF * I_PCF / 2**27: 74 532 013**2 / 2 / 2**27 = 20 694 066
ENERGY_SHIFT = 13  # xWATTHR_HI = sum of xWATT / 2**13
ZX_GAIN_50, ZX_GAIN_60 = 0.86, 0.81  # of the low pass before the zero-crossing detectors

RESET_VALUES: dict[int, int] = {
    OILVL: 0xFFFFFF,
    USER_PERIOD: 0x00500000,
    VLEVEL: 0x45D45,
    DIPA: 0x7FFFFF,
    DIPA + 1: 0x7FFFFF,
    DIPA + 2: 0x7FFFFF,
    SWELL_LVL: 0xFFFFFF,
    APERIOD: 0x00A00000,
    APERIOD + 1: 0x00A00000,
    APERIOD + 2: 0x00A00000,
    COM_PERIOD: 0x00A00000,
    ACT_NL_LVL: 0xFFFF,
    REACT_NL_LVL: 0xFFFF,
    APP_NL_LVL: 0xFFFF,
    WTHR: 0xFFFF,
    VARTHR: 0xFFFF,
    VATHR: 0xFFFF,
    ADC_REDIRECT: 0x1FFFFF,
    PART_ID: 0x00100000,
    DIP_CYC: 0xFFFF,
    SWELL_CYC: 0xFFFF,
    CONFIG3: 0xF000,
    CF1DEN: 0xFFFF,
    CF1DEN + 1: 0xFFFF,
    CF1DEN + 2: 0xFFFF,
    CF1DEN + 3: 0xFFFF,
    ZXTOUT: 0xFFFF,
    ZXTHRSH: 0x0009,
    ZX_LP_SEL: 0x001E,
    SEQ_CYC: 0x00FF,
    CONFIG5: 0x0063,
    CONFIG2: 0x0C00,
    PWR_TIME: 0x00FF,
    EGY_TIME: 0x00FF,
    VERSION: 0x00FE,
}

_PHASE_SETTINGS = tuple(base + n for base in (0x00, 0x20, 0x40) for n in range(0x19))
WRITABLE = frozenset(
    _PHASE_SETTINGS
    + tuple(range(0x60, 0x74))
    + (STATUS0, STATUS1, MASK0, MASK1, EVENT_MASK, OILVL, USER_PERIOD, VLEVEL, DIP_LVL, SWELL_LVL)
    + (ACT_NL_LVL, REACT_NL_LVL, APP_NL_LVL, WTHR, VARTHR, VATHR, ADC_REDIRECT, CF_LCFG)
    + (RUN, CONFIG1, DIP_CYC, SWELL_CYC, CFMODE, COMPMODE, ACCMODE, CONFIG3)
    + (CF1DEN, CF1DEN + 1, CF1DEN + 2, CF1DEN + 3, ZXTOUT, ZXTHRSH, ZX_LP_SEL, SEQ_CYC)
    + (WFB_CFG, WFB_PG_IRQEN, WFB_TRG_CFG, CONFIG2, EP_CFG, PWR_TIME, EGY_TIME)
    + (CRC_FORCE, CRC_OPTEN, TEMP_CFG, PGA_GAIN, CHNL_DIS, WR_LOCK, VAR_DIS)
)

# the registers a configuration CRC covers only when asked to, in the order of CRC_OPTEN's bits
CRC_OPTIONAL = (MASK0, MASK1, EVENT_MASK, DIP_LVL, DIP_CYC, SWELL_LVL, SWELL_CYC, ACT_NL_LVL) + (
    REACT_NL_LVL,
    APP_NL_LVL,
    ZXTOUT,
    ZX_LP_SEL,
    SEQ_CYC,
    WFB_CFG,
    WFB_PG_IRQEN,
    WFB_TRG_CFG,
)
CRC_ALWAYS = tuple(
    sorted(WRITABLE - set(CRC_OPTIONAL) - {STATUS0, STATUS1, RUN, CRC_FORCE, CRC_OPTEN, TEMP_CFG, WR_LOCK})
)

# settings that change the sampled signals or what is made of them: a look-ahead computed before is void after a write
SIGNAL_REGISTERS = frozenset(
    _PHASE_SETTINGS
    + tuple(range(0x60, 0x74))
    + (ACT_NL_LVL, REACT_NL_LVL, APP_NL_LVL, WTHR, VARTHR, VATHR, ADC_REDIRECT, CF_LCFG)
    + (CONFIG1, CFMODE, COMPMODE, ACCMODE, CF1DEN, CF1DEN + 1, CF1DEN + 2, CF1DEN + 3, ZXTHRSH)
    + (CONFIG2, EP_CFG, PWR_TIME, PGA_GAIN, CHNL_DIS, VAR_DIS)
)

LOCKED = ((0x000, 0x073), (0x400, 0x4FE))  # by WR_LOCK; taken literally, the status registers are among them


def is_16_bit(address: int) -> bool:
    """True for the 16-bit window 0x480..0x4FE, both ends included."""
    return 0x480 <= address <= 0x4FE


def result(phase: int, name: str) -> int:
    """Address of a phase's result register; phase 0..2, name as in RESULT_NAMES."""
    return R_PHASE + phase * PHASE_STEP + RESULT_OFFSET[name]


def energy_hi(phase: int, kind: str) -> int:
    """Address of the HI half of a phase's energy register (LO is one below, the power accumulator two below)."""
    return ENERGY_HI_A[kind] + phase * ENERGY_PHASE_STEP


def setting(phase: int, offset: int) -> int:
    """Address of a phase's setting register."""
    return phase * PHASE_STEP + offset


def signed(value: int, bits: int = 32) -> int:
    """Two's complement reading of a register value."""
    return value - (1 << bits) if value & (1 << (bits - 1)) else value


_BURST_POWERS = ("WATT", "VA", "VAR", "FVAR", "PF", "VTHD", "ITHD", "FWATT", "FVA", "IFRMS", "VFRMS")


def burst_aliases() -> dict[int, int]:
    """The two burst windows: window address -> address of the register shown there.

    0x600..0x63C is ordered by quantity (triples A, B, C), 0x680..0x6BC by phase.
    """
    by_quantity = [result(p, "V_PCF") for p in range(3)] + [NI_PCF] + [result(p, "I_PCF") for p in range(3)]
    for name in ("IRMS", "VRMS"):
        by_quantity += [result(p, name) for p in range(3)]
    by_quantity.append(NIRMS)
    for name in _BURST_POWERS + ("IRMSONE", "VRMSONE"):
        by_quantity += [result(p, name) for p in range(3)]
    by_quantity.append(NIRMSONE)
    for name in ("IRMS1012", "VRMS1012"):
        by_quantity += [result(p, name) for p in range(3)]
    by_quantity.append(NIRMS1012)
    order = ("V_PCF", "I_PCF", "IRMS", "VRMS") + _BURST_POWERS + ("IRMSONE", "VRMSONE", "IRMS1012", "VRMS1012")
    by_phase = [result(p, name) for p in range(3) for name in order]
    by_phase += [NI_PCF, NIRMS, NIRMSONE, NIRMS1012]
    return {BURST_1 + n: a for n, a in enumerate(by_quantity)} | {BURST_2 + n: a for n, a in enumerate(by_phase)}
