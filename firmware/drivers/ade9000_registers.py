"""ADE9000 register addresses, bits and full-scale codes that this firmware uses (data sheet Rev. B, register tables).

Addresses are 12 bit; 0x480..0x4FE are 16 bit wide, all others 32. Of a phase register the address is phase A's.
"""

from micropython import const

# --- 32 bit -----------------------------------------------------------------------------------------------------------
STATUS0 = const(0x402)  # bits are cleared by writing 1
STATUS1 = const(0x403)
MASK0 = const(0x405)
MASK1 = const(0x406)
VLEVEL = const(0x40F)  # fundamental engine: 1 144 084 * full scale / nominal voltage
WTHR = const(0x420)  # pulse thresholds, to be 0x0010_0000
VARTHR = const(0x421)
VATHR = const(0x422)
PART_ID = const(0x472)
TEMP_TRIM = const(0x474)  # upper half offset, lower half gain of the temperature sensor

# Energy accumulators, the upper 32 of 45 bits; WATT total active, FVAR fundamental reactive, VA rms by rms; L1, L2, L3
WATTHR_HI = (0x2E7, 0x323, 0x35F)
FVARHR_HI = (0x30F, 0x34B, 0x387)
VAHR_HI = (0x2FB, 0x337, 0x373)
# Powers of this moment, signed
WATT = (0x210, 0x230, 0x250)
FVAR = (0x214, 0x234, 0x254)

# --- 16 bit -----------------------------------------------------------------------------------------------------------
RUN = const(0x480)
CONFIG1 = const(0x481)
CFMODE = const(0x490)
COMPMODE = const(0x491)
ACCMODE = const(0x492)
CF1DEN = const(0x494)
CF2DEN = const(0x495)
PHSIGN = const(0x49D)  # bits 5..0: CVAR CW BVAR BW AVAR AW is negative, over the last PWR_TIME
WFB_CFG = const(0x4A0)
WFB_PG_IRQEN = const(0x4A1)
WFB_TRG_STAT = const(0x4A3)
CRC_SPI = const(0x4A9)
EP_CFG = const(0x4B0)
PWR_TIME = const(0x4B1)
EGY_TIME = const(0x4B2)
TEMP_CFG = const(0x4B6)
TEMP_RSLT = const(0x4B7)
VERSION = const(0x4FE)

FIRST_16_BIT = const(0x480)
LAST_16_BIT = const(0x4FE)

# --- waveform buffer: 16 pages of 16 sets; a burst skips the spare word of a set -------------------------------------
BUFFER = const(0x800)
PAGES = const(16)
PAGE_WORDS = const(0x80)  # of address space
PAGE_BYTES = const(448)  # as streamed: 16 sets of IA VA IB VB IC VC IN, 4 bytes each, big-endian
SAMPLE_RATE = const(8000)  # sets per second

# Settings that the meter leaves at their reset values, and looks after all the same
CONFIG0 = const(0x060)
ADC_REDIRECT = const(0x424)
CONFIG2 = const(0x4AF)
PGA_GAIN = const(0x4B9)
CHNL_DIS = const(0x4BA)
VAR_DIS = const(0x4E0)
PGAIN = const(0x00E)  # of phase A, as below
# Corrections, of phase A; phase B's lie PHASE_STEP higher, phase C's twice that
PHASE_STEP = const(0x20)
IGAIN = const(0x000)
PHCAL0 = const(0x006)
VGAIN = const(0x00B)
WATTOS = const(0x00F)
FVAROS = const(0x012)

# --- bits -------------------------------------------------------------------------------------------------------------
EGYRDY = const(0x0000_0001)  # STATUS0
PAGE_FULL = const(0x0002_0000)
RSTDONE = const(0x0001_0000)  # STATUS1
ERROR0 = 0x1000_0000
ERROR1 = 0x2000_0000
ERROR2 = 0x4000_0000  # the chip has corrected itself
ERROR3 = 0x8000_0000

SWRST = const(0x0001)  # CONFIG1
SELFREQ_60 = const(0x0100)  # ACCMODE: 60 Hz network
ADC_STRAIGHT = const(0x1FFFFF)  # ADC_REDIRECT: every channel its own input
HIGH_PASS_1_25_HZ = const(0x0C00)  # CONFIG2
ICONSEL = const(1 << 7)  # ACCMODE: IB = -IA - IC
VCONSEL_DELTA = const(1 << 4)  # ACCMODE: three wires, VB = VA - VC
WATTACC_ABSOLUTE = const(1)  # ACCMODE: active energy registers and pulses take absolute values
VARACC_ABSOLUTE = const(1 << 2)  # ACCMODE: reactive likewise
# WFB_CFG: neutral in, source PCF, fill continuously, fixed rate, enabled, burst of all channels
WFB_STREAM = const(0x13F0)
WFB_ODD_PAGES = const(0xAAAA)  # WFB_PG_IRQEN: interrupt after every second page, 4 ms
# EP_CFG: accumulate. EGY_LD_ACCUM = 0 adds to the user registers; RD_RST_EN stays 0 (erratum)
EGY_PWR_EN = const(0x0001)
NO_LOAD_OFF = const(0xE000)  # EP_CFG: the chip's own no-load detection is off
VAR_SIGN_FUNDAMENTAL = const(0x0080)  # EP_CFG: PHSIGN's var bits are of the fundamental
CF1_DISABLED = const(0x1000)  # CFMODE: pin high; the converter goes on adding up
CF2_DISABLED = const(0x2000)
CF_ALL_DISABLED = const(0xF000)
TEMP_RUNNING = const(0x0008)  # TEMP_CFG: starts a measurement, clears itself at its end
TEMP_START = const(0x000D)  # TEMP_CFG: enabled, start, mean of 256 in 256 ms
CF_CHOICES = const(0x3F)  # CFMODE: of CF1 and CF2
CF_FUNDAMENTAL_VAR = const(4)  # 3-bit choice in CFMODE; 0 is total active

# --- identity ---------------------------------------------------------------------------------------------------------
PART_ID_ADE9000 = const(0x0010_0000)  # bit 20
VERSION_MASK = const(0xFFC0)
VERSION_ADE9000 = const(0x00C0)

# --- codes at full scale: sine of 0.7071 V rms at both inputs, gains 1 (data sheet, table 1) -------------------------
PCF_FULL_SCALE = const(74_532_013)  # peak of a sample
POWER_FULL_SCALE = const(20_694_066)  # xWATT, xVAR
PULSE_THRESHOLD = const(0x0010_0000)  # xTHR, the value that the formula of the pulse frequency wants
VLEVEL_FULL_SCALE = const(1_144_084)
# One code of an energy register's HI half: the sum of xWATT over 2**13 samples' worth
ENERGY_SHIFT = const(13)
