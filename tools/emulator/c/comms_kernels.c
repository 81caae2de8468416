/* meter/comms/comms_kernels.py in C. */
#include <stdint.h>

int crc_x25(const uint8_t *data, int crc, int k, int n) {
    unsigned value = (unsigned)crc;
    for (n += k; k < n; k++) {
        unsigned x = value ^ data[k];
        x = (x ^ x << 4) & 0xFF;
        value = value >> 8 ^ (x << 5 ^ x) << 3 ^ x >> 4;
    }
    return (int)value;
}
