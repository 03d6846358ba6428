// The scaling of a query and the factors of its error bounds.
#include "flat_query.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace llm_cache {
namespace {

constexpr double kUp = 1 + 0x1p-20;

}  // namespace

Status FlatQuery::prepare(const RowLayout& layout, const float* query) {
    const size_t dimension = layout.dimension;
    Quantised coded;
    // Checks the query as it came; its codes are those of the scaled one below.
    const Status status = quantise(query, dimension, codes_.data(), coded);
    if (status != Status::kOk) return status;
    float greatest = 0;
    for (size_t i = 0; i < dimension; ++i) greatest = std::max(greatest, std::fabs(query[i]));
    exponent_ = 0;
    if (greatest > 0) std::frexp(greatest, &exponent_);
    const double scale = std::ldexp(1.0, -exponent_);
    for (size_t i = 0; i < dimension; ++i) vector_[i] = static_cast<float>(query[i] * scale);
    quantise(vector_.data(), dimension, codes_.data(), coded);
    int32_t sum = 0;
    for (size_t i = 0; i < dimension; ++i) sum += codes_[i];
    const double roundings = (dot_roundings(layout.padded) + 16) * 0x1p-24;
    const double norm = static_cast<double>(coded.norm) + coded.error;
    const double norm_factor = (coded.error + roundings * norm) * kUp;
    // Not 0, by which the -infinity of a vacant row would become no number.
    const double error_factor = std::max(norm * (1 + roundings) * kUp, 0x1p-126);
    scan_ = {codes_.data(),
             layout.groups,
             sum * 120,
             sum * 128,
             coded.scale,
             static_cast<float>(norm_factor),
             static_cast<float>(error_factor),
             static_cast<float>((error_factor + 2 * norm_factor) * kUp),
             FLT_MIN};
    return Status::kOk;
}

float FlatQuery::unscaled(float product) const { return std::ldexp(product, exponent_); }

}  // namespace llm_cache
