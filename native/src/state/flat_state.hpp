// A flat index as a container: the streaming writer of its rows; flat_index.hpp has the way back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../flat_index.hpp"
#include "container.hpp"
#include "names.hpp"

namespace llm_cache {

// Sections: PART, two uint32 a partition, its number and its rows, in the order of what follows;
// ROWS, for each partition the chunks of its shard as they lie in memory (shard.hpp); with names
// (names.hpp) where the owner gave any. Count 0 of the header is the dimension, count 1 the number
// of rows.

constexpr uint32_t kFlatKind = tag_of("FLAT");
constexpr uint32_t kPartitionsTag = tag_of("PART");
constexpr uint32_t kRowsTag = tag_of("ROWS");

/// @brief Writes rows as they come, holding one chunk of them: some 4 MiB, whatever their number.
class FlatStateWriter {
  public:
    /// @param dimension 1 to kGreatestDimension. May throw std::bad_alloc.
    FlatStateWriter(StateSink& sink, size_t dimension);

    size_t dimension() const { return layout_.dimension; }
    size_t rows() const { return rows_; }

    /// @brief Adds a row. Rows of a partition come one after the other, ids once each.
    /// @return kOk, or as FlatIndex::set. What was added before stays.
    Status add(uint32_t id, uint32_t partition, const float* vector);

    /// @brief Ends the rows. Sections of the owner's may follow, then container().finish().
    Status finish_rows();

    ContainerWriter& container() { return container_; }

  private:
    void flush();

    ContainerWriter container_;
    const RowLayout layout_;
    std::vector<int8_t> codes_;
    std::vector<uint32_t> partitions_;
    std::unique_ptr<Chunk> chunk_;
    size_t chunk_size_ = 0;
    size_t rows_ = 0;
};

/// @brief An index over a file and the names of its rows.
struct FlatFile {
    /// Keeps the names.
    std::shared_ptr<uint8_t> ground;
    std::unique_ptr<FlatIndex> index;
    Names names;
};

/// @brief Maps and verifies a file: reads it once as a whole. `reader` is over the file's memory,
/// for whoever has sections of its own in it.
/// @return kOk, kNotRead, kForeign, kDamaged, kOverBudget or kOutOfMemory.
Status open_rows(const Kernels& kernels, const std::string& path, size_t dimension,
                 uint64_t checksum, FlatFile& file, ContainerReader& reader);

/// @brief As open_rows, where every name has a row. Ids are the numbers of the names.
/// @param checksum the header's, as ContainerWriter told it.
/// @return as open_rows.
Status open_flat_file(const Kernels& kernels, const std::string& path, size_t dimension,
                      uint64_t checksum, FlatFile& file);

}  // namespace llm_cache
