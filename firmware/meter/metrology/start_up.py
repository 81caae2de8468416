"""The start-up lock: the total power below which a meter counts nothing."""

from meter.metrology.networks import Network

# Starting currents that the standards ask for, in thousandths of In: IEC 62053-22 (0.5S) and -21 (1) for active energy;
# reactive by IEC 62053-24 (class 1) and -23 (class 2)
_ACTIVE = {"0.5S": 1, "1": 2}
_REACTIVE = {"1": 2, "2": 3, None: 3}
_LOCK_PERCENT = 65  # of the starting power: the product starts at 70 % and must be silent somewhere below


def start_powers(type_code, network: Network, nominal_voltage: int, nominal_current_ma: int) -> tuple:
    """(mW, mvar) for BillingPath.

    `type_code`: a TypeCode, or anything with its `accuracy` and `reactive_class`. `nominal_voltage`: V, in 3P3W between
    phases. The power of the network at Un, the starting current and pf 1 (sin phi 1), times 0.65.
    """
    # V * mA = mW; the network's power is in thousandths of Un * In, the share too
    power = nominal_voltage * nominal_current_ma * network.nominal_mille * _LOCK_PERCENT
    divisor = 1000 * 1000 * 100
    return power * _ACTIVE[type_code.accuracy] // divisor, power * _REACTIVE[type_code.reactive_class] // divisor
