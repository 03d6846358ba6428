// What the tests of stored state share: a container in memory, and one of a small flat index.
#pragma once

#include <cstring>
#include <string>

#include "flat_index.hpp"
#include "ivfpq_support.hpp"
#include "state/flat_state.hpp"
#include "state/ivf_state.hpp"
#include "state/names.hpp"

namespace llm_cache_test {

using namespace llm_cache;

constexpr size_t kStateDimension = 18;
constexpr uint64_t kStateBudget = uint64_t{1} << 16;

struct MemorySink : StateSink {
    std::vector<uint8_t> bytes;
    size_t room = SIZE_MAX;

    bool append(const void* data, size_t length) override {
        if (length > room) return false;
        room -= length;
        const uint8_t* from = static_cast<const uint8_t*>(data);
        bytes.insert(bytes.end(), from, from + length);
        return true;
    }
    bool replace_start(const void* data, size_t length) override {
        std::memcpy(bytes.data(), data, length);
        return true;
    }
};

// Bytes at an aligned address, as a mapping has them, and exactly as long, for the sanitizers.
inline std::shared_ptr<uint8_t> aligned(const uint8_t* bytes, size_t length) {
    constexpr std::align_val_t kAligned{kStateAlignment};
    uint8_t* memory = static_cast<uint8_t*>(::operator new[](length, kAligned));
    std::memcpy(memory, bytes, length);
    return {memory, [](uint8_t* start) { ::operator delete[](start, kAligned); }};
}

inline std::vector<float> state_vector(uint32_t number) {
    std::vector<float> vector(kStateDimension);
    Random random(number);
    for (float& x : vector) x = gaussian(random);
    return vector;
}

inline std::string state_name(uint32_t number) {
    char text[16];
    std::snprintf(text, sizeof text, "name %05u", number);
    return text;
}

// Rows 0 to rows - 1 under names, in partitions of 30 rows.
inline Status write_state(StateSink& sink, uint32_t rows) {
    FlatStateWriter writer(sink, kStateDimension);
    NamesWriter names;
    for (uint32_t id = 0; id < rows; ++id) {
        const Status status = writer.add(id, id / 30, state_vector(id).data());
        if (status != Status::kOk) return status;
        const std::string name = state_name(id);
        names.add(reinterpret_cast<const uint8_t*>(name.data()), name.size());
    }
    writer.finish_rows();
    names.write(writer.container());
    return writer.container().finish();
}

// A whole load, as the addon does it.
inline std::unique_ptr<FlatIndex> load_state(const std::shared_ptr<uint8_t>& bytes, size_t length,
                                             Names& names, Status& status,
                                             uint64_t budget = kStateBudget) {
    ContainerReader reader;
    status = reader.open(bytes.get(), length, kFlatKind, budget);
    if (status == Status::kOk) status = reader.verify();
    if (status != Status::kOk) return nullptr;
    const Kernels& kernels = *available_kernels().front();
    auto index = FlatIndex::adopt(kernels, reader, bytes, budget, status);
    if (index == nullptr) return nullptr;
    status = names.open(reader);
    return status == Status::kOk ? std::move(index) : nullptr;
}

// Lists of the rows first to first + rows - 1, by the shape that the rescoring stands for.
inline IvfPart state_lists(uint32_t partition, Rescore rescore, uint32_t first, uint32_t rows) {
    const IvfShape shape = rescore == Rescore::kInt8 ? IvfShape{kStateDimension, 5, 6, 4}
                                                     : IvfShape{kStateDimension, 3, 9, 4};
    std::vector<float> vectors;
    for (uint32_t id = first; id < first + rows; ++id) {
        const std::vector<float> one = state_vector(id);
        vectors.insert(vectors.end(), one.begin(), one.end());
    }
    const size_t rotations = rescore == Rescore::kFloat16 ? 1 : 0;
    auto lists = std::make_shared<IvfLists>(
        train(*available_kernels().front(), shape, vectors, rotations), rescore);
    insert_all(*lists, batch_of(*lists, first, vectors));
    IvfHistory history;
    history.learnt = rows;
    return {partition, std::move(lists), history};
}

// Rows 0 to flat - 1 exact in partition 0; then those of each part; then a name without a row.
inline Status write_state(StateSink& sink, uint32_t flat, const std::vector<IvfPart>& parts) {
    FlatStateWriter writer(sink, kStateDimension);
    NamesWriter names;
    uint32_t rows = flat;
    for (const IvfPart& part : parts) rows += static_cast<uint32_t>(part.lists->size());
    for (uint32_t id = 0; id < flat; ++id) writer.add(id, 0, state_vector(id).data());
    for (uint32_t id = 0; id <= rows; ++id) {
        const std::string name = state_name(id);
        names.add(reinterpret_cast<const uint8_t*>(name.data()), name.size());
    }
    writer.finish_rows();
    names.write(writer.container());
    std::vector<uint32_t> numbers(rows);
    for (uint32_t id = 0; id < rows; ++id) numbers[id] = id;
    const Status status = write_lists(writer.container(), parts, numbers.data(), rows, rows + 1);
    return status == Status::kOk ? writer.container().finish() : status;
}

// A whole load of such a file.
inline Status load_lists(const std::shared_ptr<uint8_t>& bytes, size_t length, IvfFile& file,
                         uint64_t budget) {
    const Kernels& kernels = *available_kernels().front();
    ContainerReader reader;
    file.flat.ground = bytes;
    Status status = reader.open(bytes.get(), length, kFlatKind, budget);
    if (status == Status::kOk) status = reader.verify();
    if (status == Status::kOk) status = file.flat.names.open(reader);
    if (status != Status::kOk) return status;
    file.flat.index = FlatIndex::adopt(kernels, reader, bytes, budget, status);
    return status == Status::kOk ? adopt_lists(kernels, reader, budget, file) : status;
}

}  // namespace llm_cache_test
