// Inverted lists in the container of a flat index: a partition's rows are either in ROWS or in
// lists; napi/state_writer and napi/ivf_workers use it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../ivfpq_lists.hpp"
#include "container.hpp"
#include "flat_state.hpp"

namespace llm_cache {

// Sections beside those of flat_state.hpp: LIST, eleven numbers a partition in lists, in ascending
// order; then what IvfState has, of one partition behind the other: CENT, BOOK, ROTA, LENS, LIDS,
// LPAR, SCAL, CODE, KEPT. Ids are the numbers of the names; a name may have no row.

/// @brief What has become of lists since they were made.
struct IvfHistory {
    /// Rows that they were made of, and rows set since.
    uint64_t learnt = 0;
    uint64_t since = 0;
    /// Mean squared error of the codes of the latest thousand or so of those; below 0: none yet.
    double recent_error = -1;
};

/// @brief A partition's rows in lists.
struct IvfPart {
    uint32_t partition = 0;
    std::shared_ptr<IvfLists> lists;
    IvfHistory history;
};

/// @brief Writes the rows of all parts as they stand at the call; others may change and search them
/// meanwhile. On any thread.
/// @param numbers `count` of them, the name's number of each id: as IvfSnapshot takes them.
/// @param names how many there are.
/// @return kOk or kOutOfMemory; ContainerWriter::finish tells of the sink.
Status write_lists(ContainerWriter& container, const std::vector<IvfPart>& parts,
                   const uint32_t* numbers, size_t count, size_t names);

/// @brief A whole index over a file.
struct IvfFile {
    FlatFile flat;
    std::vector<IvfPart> parts;
    /// Names without a row.
    std::vector<uint32_t> vacant;
};

/// @brief Makes the lists of a container whose flat rows and names `file` has already, over the
/// container's own memory, which `file.flat.ground` keeps.
/// @param budget bytes that may be allocated besides.
/// @return kOk, kDamaged, kOverBudget, kOutOfMemory or a status of IvfQuantiser::create.
Status adopt_lists(const Kernels& kernels, const ContainerReader& reader, uint64_t budget,
                   IvfFile& file);

/// @brief Maps and verifies a file: reads it once as a whole.
/// @param checksum the header's, as ContainerWriter told it.
/// @return as open_flat_file and adopt_lists.
Status open_ivf_file(const Kernels& kernels, const std::string& path, size_t dimension,
                     uint64_t checksum, IvfFile& file);

}  // namespace llm_cache
