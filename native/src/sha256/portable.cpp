// SHA-256 compression in plain C++ (FIPS 180-4, 6.2.2) and the round constants; only dispatch.cpp
// and sha_ni.cpp use it.
#include "sha256.hpp"

namespace llm_cache {

const uint32_t kSha256Rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

namespace {

inline uint32_t rotate(uint32_t x, int by) { return (x >> by) | (x << (32 - by)); }

inline uint32_t big_endian(const uint8_t* p) {
    return (uint32_t{p[0]} << 24) | (uint32_t{p[1]} << 16) | (uint32_t{p[2]} << 8) | p[3];
}

void compress(uint32_t* state, const uint8_t* blocks, size_t count) {
    for (; count != 0; --count, blocks += 64) {
        uint32_t w[64];
        for (int t = 0; t < 16; ++t) w[t] = big_endian(blocks + 4 * t);
        for (int t = 16; t < 64; ++t) {
            const uint32_t x = w[t - 15];
            const uint32_t y = w[t - 2];
            const uint32_t small0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3);
            const uint32_t small1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >> 10);
            w[t] = w[t - 16] + small0 + w[t - 7] + small1;
        }
        uint32_t a = state[0];
        uint32_t b = state[1];
        uint32_t c = state[2];
        uint32_t d = state[3];
        uint32_t e = state[4];
        uint32_t f = state[5];
        uint32_t g = state[6];
        uint32_t h = state[7];
        for (int t = 0; t < 64; ++t) {
            const uint32_t big1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
            const uint32_t choice = g ^ (e & (f ^ g));
            const uint32_t t1 = h + big1 + choice + kSha256Rounds[t] + w[t];
            const uint32_t big0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
            const uint32_t majority = (a & b) | (c & (a | b));
            h = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + big0 + majority;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}

bool supported(const CpuFeatures&) { return true; }

constexpr Sha256Implementation kImplementation = {"portable", supported, compress};

}  // namespace

const Sha256Implementation* portable_sha256() { return &kImplementation; }

}  // namespace llm_cache
