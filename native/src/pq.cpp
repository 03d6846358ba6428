// Codes and look-up tables; the training stands in pq_train.cpp.
#include "pq.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "flat_index.hpp"
#include "quantise.hpp"

namespace llm_cache {
namespace {

// Vectors whose parts are coded together while the codebook of a part is in the nearest cache.
constexpr size_t kTile = 64;
// Blocks whose 16-bit sums are turned into numbers together.
constexpr size_t kScanBlocks = 32;

void put_code(uint8_t* code, size_t nbits, size_t part, uint32_t index) {
    if (nbits == 8) {
        code[part] = static_cast<uint8_t>(index);
    } else if (part % 2 == 0) {
        code[part / 2] = static_cast<uint8_t>(index);
    } else {
        code[part / 2] = static_cast<uint8_t>(code[part / 2] | index << 4);
    }
}

uint32_t get_code(const uint8_t* code, size_t nbits, size_t part) {
    if (nbits == 8) return code[part];
    return part % 2 == 0 ? code[part / 2] & 15u : code[part / 2] >> 4u;
}

/// The greatest byte: so that m of them fit 16 bits.
size_t greatest_byte(size_t m) { return std::min<size_t>(255, 65535 / m); }

// Fills in the step and the sum of the least entries.
void scale_of(const float* table, size_t m, ByteTable& out) {
    double widest = 0;
    out.least_sum = 0;
    for (size_t part = 0; part < m; ++part) {
        const float* entries = table + part * kNibbleEntries;
        const auto [least, greatest] = std::minmax_element(entries, entries + kNibbleEntries);
        widest = std::max(widest, static_cast<double>(*greatest) - *least);
        out.least_sum += *least;
    }
    out.step = widest / static_cast<double>(greatest_byte(m));
}

bool all_finite(const float* numbers, size_t count) {
    return std::all_of(numbers, numbers + count, [](float x) { return std::isfinite(x); });
}

}  // namespace

Status ProductQuantiser::check(const PqShape& shape) {
    if (shape.dimension == 0 || shape.dimension > kGreatestDimension) {
        return Status::kDimensionOutOfRange;
    }
    if (shape.m == 0 || shape.dimension % shape.m != 0) return Status::kNotDivisible;
    return shape.nbits == 4 || shape.nbits == 8 ? Status::kOk : Status::kCodeBits;
}

ProductQuantiser::ProductQuantiser(const Kernels& kernels, const PqShape& shape)
    : kernels_(kernels),
      shape_(shape),
      books_(shape.m, PackedCentroids(shape.centroids(), shape.part_length())) {}

std::unique_ptr<ProductQuantiser> ProductQuantiser::create(const Kernels& kernels,
                                                           const PqShape& shape,
                                                           const float* codebooks, Status& status) {
    status = check(shape);
    if (status != Status::kOk) return nullptr;
    status = check_vectors(codebooks, shape.m * shape.centroids(), shape.part_length());
    if (status != Status::kOk) return nullptr;
    try {
        std::unique_ptr<ProductQuantiser> made(new ProductQuantiser(kernels, shape));
        for (size_t part = 0; part < shape.m; ++part) {
            made->books_[part].pack(codebooks + part * shape.centroids() * shape.part_length());
        }
        return made;
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
        return nullptr;
    }
}

size_t ProductQuantiser::bytes() const {
    return sizeof *this + shape_.m * (sizeof(PackedCentroids) + books_.front().bytes());
}

void ProductQuantiser::read_codebooks(float* out) const {
    for (const PackedCentroids& book : books_) {
        for (size_t i = 0; i < shape_.centroids(); ++i, out += shape_.part_length()) {
            book.read(i, out);
        }
    }
}

Status ProductQuantiser::encode(const float* vectors, size_t count, uint8_t* codes) const {
    const Status status = check_vectors(vectors, count, shape_.dimension);
    if (status != Status::kOk) return status;
    uint32_t indices[kTile];
    float scores[kTile];
    for (size_t start = 0; start < count; start += kTile) {
        const size_t size = std::min(kTile, count - start);
        for (size_t part = 0; part < shape_.m; ++part) {
            kernels_.pq()->nearest(vectors + start * shape_.dimension + part * shape_.part_length(),
                                   shape_.dimension, size, books_[part].view(), indices, scores);
            for (size_t i = 0; i < size; ++i) {
                put_code(codes + (start + i) * shape_.code_bytes(), shape_.nbits, part, indices[i]);
            }
        }
    }
    return Status::kOk;
}

void ProductQuantiser::decode(const uint8_t* codes, size_t count, float* vectors) const {
    for (size_t i = 0; i < count; ++i, codes += shape_.code_bytes()) {
        for (size_t part = 0; part < shape_.m; ++part, vectors += shape_.part_length()) {
            books_[part].read(get_code(codes, shape_.nbits, part), vectors);
        }
    }
}

Status ProductQuantiser::make_table(const float* query, TableKind kind, float* table) const {
    const Status status = check_vectors(query, 1, shape_.dimension);
    if (status != Status::kOk) return status;
    const size_t length = shape_.part_length();
    for (size_t part = 0; part < shape_.m; ++part, query += length, table += shape_.centroids()) {
        const PackedCentroids& book = books_[part];
        kernels_.pq()->products(query, book.view(), table);
        if (kind == TableKind::kInnerProduct) continue;
        const float squares = kernels_.dot(query, query, length);
        for (size_t i = 0; i < shape_.centroids(); ++i) {
            table[i] = std::max(0.0f, squares + 2 * (book.half_norm(i) - table[i]));
        }
    }
    return Status::kOk;
}

void ProductQuantiser::pack(const uint8_t* codes, size_t count, uint8_t* blocks) const {
    const size_t bytes = shape_.code_bytes();
    for (size_t start = 0; start < count; start += kCodeRows, blocks += shape_.block_bytes()) {
        const size_t rows = std::min(kCodeRows, count - start);
        if (rows < kCodeRows) std::memset(blocks, 0, shape_.block_bytes());
        for (size_t row = 0; row < rows; ++row) {
            const uint8_t* code = codes + (start + row) * bytes;
            for (size_t i = 0; i < bytes; ++i) blocks[i * kCodeRows + row] = code[i];
        }
    }
}

Status ProductQuantiser::scan(const float* table, const uint8_t* blocks, size_t count,
                              float* out) const {
    if (!all_finite(table, shape_.table_length())) return Status::kNotFinite;
    if (shape_.nbits == 4) return scan_nibbles(table, blocks, count, out);
    kernels_.pq()->scan_bytes(table, blocks, count, shape_.m, out);
    return Status::kOk;
}

Status ProductQuantiser::scan_nibbles(const float* table, const uint8_t* blocks, size_t count,
                                      float* out) const {
    const size_t pairs = shape_.code_bytes();
    ByteTable bytes;
    try {
        round_table(table, bytes);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    const float step = static_cast<float>(bytes.step);
    const float least = static_cast<float>(bytes.least_sum);
    uint16_t sums[kScanBlocks * kCodeRows];
    for (size_t start = 0; start < count; start += kScanBlocks) {
        const size_t size = std::min(kScanBlocks, count - start);
        kernels_.pq()->scan_nibbles(bytes.entries.data(), blocks + start * shape_.block_bytes(),
                                    size, pairs, sums);
        for (size_t i = 0; i < size * kCodeRows; ++i) {
            out[start * kCodeRows + i] = least + step * static_cast<float>(sums[i]);
        }
    }
    return Status::kOk;
}

void ProductQuantiser::round_table(const float* table, ByteTable& out) const {
    // An odd last code has a partner whose entries are zeros.
    out.entries.assign(shape_.code_bytes() * 2 * kNibbleEntries, 0);
    scale_of(table, shape_.m, out);
    const double inverse = out.step > 0 ? 1 / out.step : 0;
    for (size_t part = 0; part < shape_.m; ++part) {
        const float* entries = table + part * kNibbleEntries;
        const double least = *std::min_element(entries, entries + kNibbleEntries);
        for (size_t i = 0; i < kNibbleEntries; ++i) {
            out.entries[part * kNibbleEntries + i] =
                static_cast<uint8_t>((entries[i] - least) * inverse + 0.5);
        }
    }
}

double ProductQuantiser::scan_error(const float* table) const {
    if (shape_.nbits == 8) return 0;
    ByteTable bytes;
    scale_of(table, shape_.m, bytes);
    return bytes.step / 2 * static_cast<double>(shape_.m);
}

}  // namespace llm_cache
