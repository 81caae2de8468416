/* drivers/ade9000_crc.py in C. */
#include <stdint.h>

int crc16(const uint8_t *data, const uint16_t *table, int k, int n) {
    unsigned crc = 0xFFFF;
    for (n += k; k < n; k += 2) {
        crc = table[256 + (crc >> 8 ^ data[k])] ^ table[(crc & 0xFF) ^ data[k + 1]];
    }
    return (int)crc;
}
