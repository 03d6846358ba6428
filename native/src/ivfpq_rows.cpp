// Kept rows: rounding, products, and the coding of batches.
#include "ivfpq_rows.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <new>

#include "parallel.hpp"
#include "quantise.hpp"

namespace llm_cache {
namespace {

// Float16 without the processor's help: the exponent is moved by a multiplication, which brings
// numbers below the least normal one right too.
constexpr float kToHalf = 0x1p-112f;
constexpr float kFromHalf = 0x1p112f;
constexpr float kGreatestHalf = 65504.0f;

uint16_t to_half(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000u;
    const float moved = std::min(std::fabs(x), kGreatestHalf) * kToHalf;
    std::memcpy(&bits, &moved, sizeof bits);
    // To nearest, ties to even.
    bits += 0xfffu + (bits >> 13 & 1);
    return static_cast<uint16_t>(sign | bits >> 13);
}

float from_half(uint16_t half) {
    const uint32_t bits = (half & 0x7fffu) << 13;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    x *= kFromHalf;
    uint32_t all;
    std::memcpy(&all, &x, sizeof all);
    all |= (half & 0x8000u) << 16;
    std::memcpy(&x, &all, sizeof x);
    return x;
}

uint16_t half_at(const uint8_t* row, size_t i) {
    uint16_t half;
    std::memcpy(&half, row + 2 * i, sizeof half);
    return half;
}

}  // namespace

void RowFormat::encode(const float* vector, uint8_t* row, float& scale) const {
    scale = 0;
    if (rescore == Rescore::kInt8) {
        Quantised made;
        quantise(vector, dimension, reinterpret_cast<int8_t*>(row), made);
        scale = made.scale;
    } else if (rescore == Rescore::kFloat16) {
        for (size_t i = 0; i < dimension; ++i) {
            const uint16_t half = to_half(vector[i]);
            std::memcpy(row + 2 * i, &half, sizeof half);
        }
    }
}

void RowFormat::decode(const uint8_t* row, float scale, float* vector) const {
    if (rescore == Rescore::kInt8) {
        for (size_t i = 0; i < dimension; ++i) vector[i] = scale * static_cast<int8_t>(row[i]);
    } else {
        for (size_t i = 0; i < dimension; ++i) vector[i] = from_half(half_at(row, i));
    }
}

bool RowFormat::holds(const uint8_t* rows, const float* scales, size_t count) const {
    constexpr float kGreatestScale = 0x1p57f;
    if (rescore == Rescore::kInt8) {
        return std::all_of(scales, scales + count,
                           [](float s) { return s >= 0 && s <= kGreatestScale; });
    }
    for (size_t i = 0; i < count * bytes() / 2; ++i) {
        if ((half_at(rows, i) & 0x7c00u) == 0x7c00u) return false;
    }
    return true;
}

void RowQuery::prepare(const RowFormat& format, const float* query) {
    format_ = format;
    query_ = query;
    const size_t n = format.dimension;
    if (format.rescore == Rescore::kFloat16) row_.resize(n);
    if (format.rescore != Rescore::kInt8) return;
    codes_.resize(2 * n);
    rest_.assign(query, query + n);
    for (size_t level = 0; level < 2; ++level) {
        int8_t* codes = codes_.data() + level * n;
        Quantised made;
        quantise(rest_.data(), n, codes, made);
        scales_[level] = made.scale;
        for (size_t i = 0; i < n; ++i) rest_[i] -= made.scale * codes[i];
    }
}

float RowQuery::product(const Kernels& kernels, const uint8_t* row, float scale) const {
    const size_t n = format_.dimension;
    if (format_.rescore == Rescore::kFloat16) {
        format_.decode(row, 0, row_.data());
        return kernels.dot(query_, row_.data(), n);
    }
    const int8_t* codes = reinterpret_cast<const int8_t*>(row);
    const float first = static_cast<float>(dot_int8(kernels, codes_.data(), codes, n));
    const float second = static_cast<float>(dot_int8(kernels, codes_.data() + n, codes, n));
    return scale * (scales_[0] * first + scales_[1] * second);
}

Status encode_batch(const IvfQuantiser& quantiser, const RowFormat& format, size_t threads,
                    const Control& control, IvfBatch& batch) {
    constexpr size_t kChunk = 256;
    const size_t count = batch.size();
    const size_t dimension = format.dimension;
    batch.code_bytes = quantiser.code_bytes();
    batch.row_bytes = format.bytes();
    try {
        batch.lists.resize(count);
        batch.codes.resize(count * batch.code_bytes);
        batch.rows.resize(count * batch.row_bytes);
        batch.scales.resize(count);
        batch.errors.resize(count);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    std::atomic<bool> failed{false};
    run_parallel((count + kChunk - 1) / kChunk, threads, [&](size_t chunk) {
        if (failed || control.stop()) return;
        const size_t begin = chunk * kChunk;
        const size_t size = std::min(kChunk, count - begin);
        try {
            IvfScratch scratch;
            quantiser.encode(
                batch.vectors.data() + begin * dimension, size, scratch, batch.lists.data() + begin,
                batch.codes.data() + begin * batch.code_bytes, batch.errors.data() + begin);
        } catch (const std::bad_alloc&) {
            failed = true;
            return;
        }
        for (size_t i = begin; i < begin + size; ++i) {
            format.encode(batch.vectors.data() + i * dimension,
                          batch.rows.data() + i * batch.row_bytes, batch.scales[i]);
        }
    });
    if (failed) return Status::kOutOfMemory;
    return control.stop() ? Status::kCancelled : Status::kOk;
}

}  // namespace llm_cache
