// Rounding of rows to what is kept of them, and the way back.
#include "stored_rows.hpp"

#include "prefetch.hpp"

namespace llm_cache {
namespace {

size_t if_stored(bool wanted, size_t length) { return wanted ? length : 0; }

}  // namespace

RowEncoder::RowEncoder(const Kernels& kernels, const RowLayout& layout)
    : kernels_(kernels),
      layout_(layout),
      codes_(layout.padded),
      halves_(if_stored(layout.storage == Storage::kFloat16, layout.padded)),
      rounded_(if_stored(layout.storage == Storage::kFloat16, layout.padded)) {}

Status RowEncoder::encode(const float* row, RowImage& image) {
    const size_t dimension = layout_.dimension;
    image = {codes_.data(), {}, row};
    Status status = quantise(row, dimension, codes_.data(), image.metrics);
    if (status != Status::kOk || layout_.storage == Storage::kFloat32) return status;
    if (layout_.storage == Storage::kInt8) {
        image.metrics = metrics_of_codes(codes_.data(), dimension, image.metrics);
        return status;
    }
    const RowKernels& rows = *kernels_.rows();
    rows.to_half(row, dimension, halves_.data());
    rows.from_half(halves_.data(), dimension, rounded_.data());
    image.stored = halves_.data();
    // Its bounds are those of the row that is kept.
    status = quantise(rounded_.data(), dimension, codes_.data(), image.metrics);
    return status == Status::kNotFinite ? Status::kBeyondHalf : status;
}

RowReader::RowReader(const Kernels& kernels, const RowLayout& layout)
    : kernels_(kernels),
      layout_(layout),
      scratch_(if_stored(layout.storage != Storage::kFloat32, layout.padded)) {}

float RowReader::product(const Shard& rows, uint32_t row, const float* query) {
    if (layout_.storage == Storage::kFloat16) {
        const auto* halves = reinterpret_cast<const uint16_t*>(rows.stored(layout_, row));
        return kernels_.rows()->dot_half(halves, query, layout_.padded);
    }
    return kernels_.dot(read(rows, row), query, layout_.padded);
}

void RowReader::prefetch_row(const Shard& rows, uint32_t row) const {
    // Of int8 there is nothing beside the codes, which a scan has just read.
    prefetch(rows.stored(layout_, row), layout_.stored);
}

const float* RowReader::read(const Shard& rows, uint32_t row) {
    switch (layout_.storage) {
        case Storage::kFloat32:
            return reinterpret_cast<const float*>(rows.stored(layout_, row));
        case Storage::kFloat16:
            kernels_.rows()->from_half(reinterpret_cast<const uint16_t*>(rows.stored(layout_, row)),
                                       layout_.padded, scratch_.data());
            break;
        case Storage::kInt8:
            rows.decode(layout_, row, scratch_.data());
            break;
    }
    return scratch_.data();
}

}  // namespace llm_cache
