/* meter/comms/dlms/ghash.py in C: the same tables and steps. */
#include <stdint.h>


static inline void store(uint8_t *at, uint32_t w) {
    w = __builtin_bswap32(w);
    __builtin_memcpy(at, &w, 4);
}

void ghash(const uint32_t *table, uint8_t *state, const uint8_t *data, int n) {
    for (int k = 0; k < n; k += 16) {
        uint32_t z0 = 0, z1 = 0, z2 = 0, z3 = 0;
        for (int i = 15; i >= 0; i--) {
            unsigned byte = state[i];
            if (k + i < n) {
                byte ^= data[k + i];
            }
            const uint32_t *first = table + (byte >> 4) * 4, *later = table + 64 + (byte & 15) * 4;
            uint32_t back = table[128 + (z3 & 15)] ^ table[144 + (z3 >> 4 & 15)];
            z3 = z3 >> 8 ^ z2 << 24 ^ first[0] ^ later[0];
            z2 = z2 >> 8 ^ z1 << 24 ^ first[1] ^ later[1];
            z1 = z1 >> 8 ^ z0 << 24 ^ first[2] ^ later[2];
            z0 = z0 >> 8 ^ back ^ first[3] ^ later[3];
        }
        store(state, z0);
        store(state + 4, z1);
        store(state + 8, z2);
        store(state + 12, z3);
    }
}

void add_stream(uint8_t *data, const uint8_t *stream, int n) {
    for (int k = 0; k < n; k++) {
        data[k] ^= stream[k];
    }
}
