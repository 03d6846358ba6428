// ProductQuantiser: vectors as short codes, and inner products and distances from the codes alone;
// napi/product_quantiser uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "centroids.hpp"
#include "kernels/kernels.hpp"
#include "kmeans.hpp"
#include "status.hpp"

namespace llm_cache {

/// @brief The form of the codes: a vector of `dimension` components is cut into m parts of equal
/// length, and each part is coded by `nbits` bits.
struct PqShape {
    size_t dimension;
    size_t m;
    /// 4 or 8.
    size_t nbits;

    size_t centroids() const { return size_t{1} << nbits; }
    size_t part_length() const { return dimension / m; }
    /// Numbers of all codebooks: 2^nbits x dimension.
    size_t codebook_length() const { return centroids() * dimension; }
    size_t table_length() const { return centroids() * m; }
    /// Bytes of a vector's code; of 4-bit codes the even one lies in the low half.
    size_t code_bytes() const { return (m * nbits + 7) / 8; }
    size_t block_bytes() const { return code_bytes() * kCodeRows; }
};

/// @brief What look-up tables hold.
enum class TableKind : uint8_t { kInnerProduct, kSquaredL2 };

struct PqTraining {
    size_t iterations = 25;
    uint64_t seed = 0;
    /// Threads of its own, the caller's included.
    size_t threads = 2;
};

/// @brief A look-up table for 4-bit codes rounded to bytes: entry = least of its part + step x
/// byte, up to half a step. A row's sum is least_sum + step x the sum of its bytes.
struct ByteTable {
    std::vector<uint8_t> entries;
    double step = 0;
    double least_sum = 0;
};

/// @brief A trained product quantiser. Immutable, so any number of threads may use it at once.
/// Source: Jegou, Douze, Schmid, "Product quantization for nearest neighbor search", PAMI 2011.
class ProductQuantiser {
  public:
    /// @return kOk, kDimensionOutOfRange, kNotDivisible or kCodeBits.
    static Status check(const PqShape& shape);

    /// @brief Learns the codebooks from `count` vectors by k-means, one part a thread at a time.
    /// Cost: count x 2^nbits x dimension a round; memory: count x part_length floats a thread.
    /// @return null with kTooFewPoints (fewer than 2^nbits vectors), kAllEqual, or a status of
    /// `check` or `kmeans`.
    static std::unique_ptr<ProductQuantiser> train(const Kernels& kernels, const PqShape& shape,
                                                   const float* vectors, size_t count,
                                                   const PqTraining& training,
                                                   const Control& control, Status& status);

    /// @brief Takes codebooks that were learnt before: m x 2^nbits x part_length numbers.
    /// @return null with a status of `check`, kNotFinite, kTooLong or kOutOfMemory.
    static std::unique_ptr<ProductQuantiser> create(const Kernels& kernels, const PqShape& shape,
                                                    const float* codebooks, Status& status);

    const PqShape& shape() const { return shape_; }
    /// @brief Bytes of the codebooks and the norms beside them.
    size_t bytes() const;
    /// @brief Copies the codebooks out, in the form that `create` takes.
    void read_codebooks(float* out) const;

    /// @brief Codes of `count` vectors, code_bytes() each: of every part the nearest centroid.
    /// Allocates nothing. Cost: 2^nbits x dimension a vector.
    /// @return kOk, or kNotFinite or kTooLong with `codes` as they were.
    Status encode(const float* vectors, size_t count, uint8_t* codes) const;

    /// @brief The vectors that the codes stand for.
    void decode(const uint8_t* codes, size_t count, float* vectors) const;

    /// @brief Look-up table of a query: m x 2^nbits inner products, or squared distances, of its
    /// parts with the centroids. A row's sum of entries is that of the query and the row's decoded
    /// vector. Error of an entry at most (part_length + 4) x 2^-24 x (|x| + |c|)^2.
    /// @return kOk, or kNotFinite or kTooLong with the table as it was.
    Status make_table(const float* query, TableKind kind, float* table) const;

    /// @brief Rearranges codes into blocks of 32 rows, as scans read them; the last block is filled
    /// up with zeros. Blocks of code_bytes() x 32: a byte of 32 rows, then the next.
    void pack(const uint8_t* codes, size_t count, uint8_t* blocks) const;

    /// @brief Sums of the table's entries for each row of `blocks` blocks; `out` has room for 32 a
    /// block. 8 bits: added in float32, in order. 4 bits: the table is first rounded to bytes, so
    /// that a sum differs from the exact one by at most scan_error() of that table.
    /// @return kOk; kNotFinite for a table that is not finite; kOutOfMemory.
    Status scan(const float* table, const uint8_t* blocks, size_t count, float* out) const;

    /// @brief Rounds a table of 4-bit codes to bytes, as the kernels take it.
    /// @pre The table is finite. May throw std::bad_alloc, and never does where `out` was filled
    /// before.
    void round_table(const float* table, ByteTable& out) const;

    /// @brief Bound of what rounding the table to bytes adds to a sum of 4-bit codes, beside the
    /// rounding of float32. 0 for 8 bits.
    double scan_error(const float* table) const;

  private:
    ProductQuantiser(const Kernels& kernels, const PqShape& shape);

    Status scan_nibbles(const float* table, const uint8_t* blocks, size_t count, float* out) const;

    const Kernels& kernels_;
    const PqShape shape_;
    std::vector<PackedCentroids> books_;
};

}  // namespace llm_cache
