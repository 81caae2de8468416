/* meter/metrology/kernels.py in C: the same steps, as one writes them where a word can be loaded and swapped at once. */
#include <stdint.h>

enum { U_SHIFT, I_SHIFT, U_SIZE, I_SIZE, SUMS };
enum { PHASE, STEP, SLOT };

/* Code `k` of the page, big-endian. Pages lie at any address; the Cortex-M33 loads words from there. */
static inline int32_t word(const uint8_t *page, int k) {
    uint32_t w;
    __builtin_memcpy(&w, page + 4 * k, 4);
    return (int32_t)__builtin_bswap32(w);
}

void reference(int n, const uint16_t *table, uint16_t *out, int32_t *state) {
    uint32_t phase = (uint32_t)state[PHASE], step = (uint32_t)state[STEP];
    const uint16_t *last = out + 2 * state[SLOT];
    out[0] = last[0];
    out[1] = last[1];
    state[SLOT] = n;
    for (int j = 1; j <= n; j++) {
        const uint16_t *at = table + (phase >> 21);
        int part = (phase >> 6) & 0x7FFF;
        out[2 * j + 1] = (uint16_t)(at[0] + (((at[1] - at[0]) * part + 0x4000) >> 15));
        out[2 * j] = (uint16_t)(at[128] + (((at[129] - at[128]) * part + 0x4000) >> 15));
        phase = (phase + step) & 0x3FFFFFFF;
    }
    state[PHASE] = (int32_t)phase;
}

static inline void keep(int32_t *state, int n, int32_t sum) {
    state[SUMS + 2 * n] += sum & 0xFFFF;
    state[SUMS + 2 * n + 1] += sum >> 16;
}

int correlate(const uint8_t *page, const uint16_t *ref, int k, int32_t *state) {
    int u_shift = state[U_SHIFT], i_shift = state[I_SHIFT];
    int32_t u_mask = (1 << u_shift) - 1, i_mask = (1 << i_shift) - 1;
    int32_t u_rest = u_mask >> 1, i_rest = i_mask >> 1, u_size = 0, i_size = 0;
    int32_t uu = 0, ii = 0, ui = 0, uc = 0, us = 0, ic = 0, is = 0;
    int n = (k >> 10) & 0x3F;
    ref += 2 * ((k >> 18) & 0x3F);
    page += 28 * (k & 0x3FF) + 8 * ((k >> 16) & 3);
    for (; n; n--, page += 28, ref += 2) {
        int32_t i = i_rest + word(page, 0), u = u_rest + word(page, 1);
        i_rest = i & i_mask;
        u_rest = u & u_mask;
        i >>= i_shift;
        u >>= u_shift;
        i_size |= i ^ (i >> 31);
        u_size |= u ^ (u >> 31);
        int32_t c = ref[0] - 32768, s = ref[1] - 32768;
        uu += (u * u) >> 5;
        ii += (i * i) >> 5;
        ui += (u * i) >> 5;
        uc += (u * c) >> 5;
        ic += (i * c) >> 5;
        us += (u * s) >> 5;
        is += (i * s) >> 5;
    }
    state[U_SIZE] |= u_size;
    state[I_SIZE] |= i_size;
    if ((u_size | i_size) >> 15) {
        return 1;
    }
    keep(state, 0, uu);
    keep(state, 1, ii);
    keep(state, 2, ui);
    keep(state, 3, uc);
    keep(state, 4, us);
    keep(state, 5, ic);
    keep(state, 6, is);
    return 0;
}

int rising(const uint8_t *page, int k, int n, int32_t *state) {
    int armed = state[0], level = -state[1];
    page += 28 * (k & 0x3FF) + 4 * (k >> 10);
    for (int first = 0; first < n; first++, page += 28) {
        int32_t u = word(page, 0) >> 8;
        if (u < level) {
            armed = 1;
        } else if (armed && u >= 0) {
            state[0] = 0;
            return first;
        }
    }
    state[0] = armed;
    return -1;
}

void copy_set(uint8_t *out, const uint8_t *page, int k) {
    __builtin_memcpy(out, page + 28 * k, 28);
}

int code(const uint8_t *page, int k) {
    return word(page, k);
}

enum { N_SHIFT, N_SIZE, N_SUM };

int neutral(const uint8_t *page, int k, int32_t *state) {
    int shift = state[N_SHIFT], n = (k >> 10) & 0x3F;
    int32_t third = ((k >> 16) & 1) - 1, mask = (1 << shift) - 1, rest = mask >> 1, size = 0, total = 0;
    page += 28 * (k & 0x3FF);
    for (; n; n--, page += 28) {
        int32_t i = rest + word(page, 0) + word(page, 2) + (word(page, 4) & third);
        rest = i & mask;
        i >>= shift;
        size |= i ^ (i >> 31);
        total += (i * i) >> 5;
    }
    state[N_SIZE] |= size;
    if (size >> 15) {
        return 1;
    }
    state[N_SUM] += total & 0xFFFF;
    state[N_SUM + 1] += total >> 16;
    return 0;
}

enum { AT, GAP, COUNT, TOTAL, HISTORY, POINTS = 16, ONE = 1 << 26, ZERO = 0x800000 };
enum { GRID = 256, ORDERS = 40, BANK_WORDS = 512, CHANNELS = 6 };

/* A channel between the middles before and after its sample. */
typedef struct {
    int32_t last, step, bend, half;
} way;

static inline void on(way *w, int32_t sample) {
    int32_t next = sample - w->last;
    w->bend = (next - w->step) >> 1;
    w->half = w->last - (w->step >> 1);
    w->last = sample;
    w->step = next;
}

static inline int32_t at_(const way *w, int32_t step, int t) {
    return ((((t * w->bend) >> 9) + step) * t >> 9) + w->half;
}

int fold(const uint8_t *page, int k, int32_t *bins, int32_t *grid) {
    const int sets = (k >> 10) & 0x3F, gap = grid[GAP], total = grid[TOTAL];
    int at = grid[AT], place = grid[COUNT], left = total - place, full = 0;
    int32_t *point = grid + POINTS;
    place &= 0xFF;
    if (left <= 0) {
        left += total;
        place |= GRID;
    }
    for (int n = sets; n; n--) {
        for (; at < ONE; at += gap) {
            *point++ = place << 10 | 0x200 | at >> 17;
            if (left > total - GRID) {
                for (int channel = 0; channel < CHANNELS; channel++) {
                    bins[BANK_WORDS * channel + place] = 0;
                }
            }
            place = (place & GRID) | ((place + 1) & 0xFF);
            if (--left == 0) {
                left = total;
                full = (place >> 8) + 1;
                place ^= GRID;
            }
        }
        point[-1] ^= 0x200;
        at -= ONE;
    }
    grid[AT] = at;
    grid[COUNT] = total - left + (place >> 8) * total;
    page += 28 * (k & 0x3FF);
    for (int phase = 0; phase < 3; phase++, page += 8, bins += 2 * BANK_WORDS) {
        if (!((k >> (16 + phase)) & 1)) {
            continue;
        }
        int32_t *history = grid + HISTORY + 4 * phase;
        const uint8_t *set = page;
        way i = {history[0], history[0] - history[1], 0, 0}, u = {history[2], history[2] - history[3], 0, 0};
        point = grid + POINTS;
        for (int n = sets; n; n--, set += 28) {
            int32_t i_step = i.step, u_step = u.step, w;
            on(&i, (word(set, 0) >> 8) + ZERO);
            on(&u, (word(set, 1) >> 8) + ZERO);
            do {
                w = *point++;
                bins[w >> 10] += at_(&i, i_step, w & 0x1FF);
                bins[(w >> 10) + BANK_WORDS] += at_(&u, u_step, w & 0x1FF);
            } while (w & 0x200);
        }
        history[0] = i.last;
        history[1] = i.last - i.step;
        history[2] = u.last;
        history[3] = u.last - u.step;
    }
    return full;
}

static inline int32_t magnitude(int32_t x) {
    return x ^ (x >> 31);
}

int dft(int32_t *bins, const uint16_t *table, int k, int32_t *out) {
    int32_t *b = bins + k, zero = b[0], size = 0;
    int shift = 0;
    int32_t half = zero - b[128], odd = b[64] - b[192], even = b[64] + b[192] - 2 * zero;
    b[0] = half;
    b[128] = -half;
    b[64] = odd;
    b[192] = even;
    size = magnitude(half) | magnitude(odd) | magnitude(even);
    for (int n = 1; n < 64; n++) {
        int32_t p = b[n], q = b[128 - n], r = b[128 + n], s = b[256 - n];
        int32_t x = p - r, y = q - s, a = p + r - 2 * zero, c = q + s - 2 * zero;
        b[n] = x - y;
        b[128 - n] = x + y;
        b[128 + n] = a + c;
        b[256 - n] = a - c;
        size |= magnitude(x - y) | magnitude(x + y) | magnitude(a + c) | magnitude(a - c);
    }
    for (; size >> 14; size >>= 1) {
        shift++;
    }
    for (int n = 0; n < GRID; n++) {
        b[n] = (b[n] + ((1 << shift) >> 1)) >> shift;
    }
    out += (k >> 9) * 2 * ORDERS;
    for (int order = 1; order <= ORDERS; order++) {
        const int32_t *c = order & 1 ? b : b + 128;
        int32_t x = (c[0] * 0x7FFF) >> 5, y = (c[64] * 0x7FFF) >> 5;
        if (order & 2) {
            y = -y;
        }
        if (!(order & 1)) {
            x += y;
            y = 0;
        }
        for (int n = 1, a = 2 * order; n < 64; n++, a = (a + 2 * order) & 0x1FF) {
            x += (c[n] * (table[a + 128] - 0x8000)) >> 5;
            y += (c[128 - n] * (table[a] - 0x8000)) >> 5;
        }
        *out++ = x;
        *out++ = y;
    }
    return shift;
}
