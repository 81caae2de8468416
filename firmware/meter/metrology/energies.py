"""The kinds of energy a meter counts, in the order they have everywhere, and the sums that can be made of two of them.

a: active, r: reactive, s: apparent; r1..r4: reactive by quadrant. mWs, mvars, mVAs.
"""

NAMES = ("a_import", "a_export", "r_import", "r_export", "r1", "r2", "r3", "r4", "s_import", "s_export")


def sum_channel(text: str) -> tuple:
    """The two names of a sum channel "a_import+a_export"; () for "". ValueError if it cannot be added up.

    It takes two different energies in the same unit.
    """
    if not text:
        return ()
    names = tuple(text.split("+"))
    if len(names) != 2 or names[0] == names[1] or names[0] not in NAMES or names[1] not in NAMES:
        raise ValueError("no two energies: " + text)
    if names[0][0] != names[1][0]:
        raise ValueError("not in the same unit: " + text)
    return names
