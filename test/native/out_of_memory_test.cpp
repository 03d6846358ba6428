// Every allocation of every change is made to fail once: the change is refused and nothing has
// changed.
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

#include "allocation.hpp"
#include "flat_index.hpp"
#include "harness.hpp"
#include "ivfpq_build.hpp"
#include "ivfpq_support.hpp"
#include "pq.hpp"
#include "state_support.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

// Allocations until one fails; negative: none does.
long g_allocations_left = -1;

}  // namespace

void before_allocation(std::size_t) {
    if (g_allocations_left == 0) throw std::bad_alloc();
    if (g_allocations_left > 0) --g_allocations_left;
}

namespace {

constexpr size_t kDimension = 20;

std::vector<float> vector_of(uint32_t number) {
    std::vector<float> vector(kDimension);
    for (size_t i = 0; i < kDimension; ++i) vector[i] = static_cast<float>(number * 31 + i) / 100;
    return vector;
}

// Runs `change` with its first, second, ... allocation failing, until it succeeds; `check` after
// each failure.
template <typename Change, typename Check>
void fail_each_allocation_of(Change change, Check check, bool allocates) {
    for (long allowed = 0; allowed < 400; ++allowed) {
        g_allocations_left = allowed;
        const Status status = change();
        g_allocations_left = -1;
        if (status == Status::kOk) {
            LLM_CACHE_CHECK(allowed > 0 || !allocates);
            return;
        }
        LLM_CACHE_CHECK(status == Status::kOutOfMemory);
        check();
    }
    LLM_CACHE_CHECK(!"the change never succeeded");
}

template <typename Change, typename Check>
void fail_each_allocation(Change change, Check check) {
    fail_each_allocation_of(change, check, true);
}

constexpr Storage kStorages[] = {Storage::kFloat32, Storage::kFloat16, Storage::kInt8};

void check_changes(Storage storage) {
    Status status;
    auto index = FlatIndex::create(*available_kernels().front(), kDimension, status, storage);
    std::map<uint32_t, std::vector<float>> kept;
    bool is_new = false;
    for (uint32_t id = 0; id < 12; ++id) {
        index->set(id, id % 3, vector_of(id).data(), is_new);
        const float* row = index->read(id);
        kept[id] = std::vector<float>(row, row + kDimension);
        if (storage == Storage::kFloat32) LLM_CACHE_CHECK(kept[id] == vector_of(id));
    }
    const auto unchanged = [&] {
        LLM_CACHE_CHECK(index->size() == kept.size());
        LLM_CACHE_CHECK(index->partition_size(99) == 0 && index->partition_size(98) == 0);
        for (const auto& [id, expected] : kept) {
            const float* row = index->read(id);
            LLM_CACHE_CHECK(row != nullptr &&
                            std::memcmp(row, expected.data(), kDimension * sizeof(float)) == 0);
        }
        uint32_t ids[12];
        float products[12];
        size_t count = 0;
        LLM_CACHE_CHECK(index->search(vector_of(1).data(), 0, 12, ids, products, count) ==
                        Status::kOk);
        LLM_CACHE_CHECK(count == 4);
    };
    const std::vector<float> vector = vector_of(77);
    const std::vector<float> third = vector_of(3);
    // A new id in a new partition: table, shard, chunk and lists all grow.
    fail_each_allocation([&] { return index->set(500, 99, vector.data(), is_new); }, unchanged);
    bool removed = false;
    index->remove(500, removed);
    // A known id into a new partition.
    fail_each_allocation([&] { return index->set(3, 98, third.data(), is_new); }, unchanged);
    index->set(3, 0, vector_of(3).data(), is_new);
    // Many at once, some of them known, some in other partitions.
    std::vector<uint32_t> ids;
    std::vector<float> rows;
    for (uint32_t id = 6; id < 200; ++id) {
        ids.push_back(id);
        const std::vector<float> row = vector_of(id);
        rows.insert(rows.end(), row.begin(), row.end());
    }
    fail_each_allocation([&] { return index->set_many(ids.size(), ids.data(), 1, rows.data()); },
                         unchanged);
    LLM_CACHE_CHECK(index->size() == 200);
}

}  // namespace

LLM_CACHE_TEST("a change that finds no memory is refused and changes nothing") {
    for (const Storage storage : kStorages) check_changes(storage);
}

LLM_CACHE_TEST("a change under a batch that finds no memory for a copy changes nothing") {
    Status status;
    auto index = FlatIndex::create(*available_kernels().front(), kDimension, status);
    bool is_new = false;
    constexpr uint32_t kRows = 100;
    for (uint32_t id = 0; id < kRows; ++id) index->set(id, id % 2, vector_of(id).data(), is_new);
    const auto unchanged = [&] {
        LLM_CACHE_CHECK(index->size() == kRows);
        LLM_CACHE_CHECK(index->partition_size(0) == kRows / 2);
        for (uint32_t id = 0; id < kRows; ++id) {
            const float* row = index->read(id);
            const std::vector<float> expected = vector_of(id);
            LLM_CACHE_CHECK(row != nullptr &&
                            std::memcmp(row, expected.data(), kDimension * sizeof(float)) == 0);
        }
    };
    const std::vector<float> vector = vector_of(77);
    bool removed = false;
    // Each change meets chunks that a new batch shares, then is undone by hand.
    auto batch = index->batch(0, status);
    fail_each_allocation([&] { return index->remove(0, removed); }, unchanged);
    LLM_CACHE_CHECK(removed && !index->has(0));
    index->set(0, 0, vector_of(0).data(), is_new);
    batch = index->batch(0, status);
    fail_each_allocation([&] { return index->set(2, 0, vector.data(), is_new); }, unchanged);
    index->set(2, 0, vector_of(2).data(), is_new);
    batch = index->batch(0, status);
    // Rows 90 to 98 of partition 0 and all that it has not yet go to partition 1.
    std::vector<uint32_t> ids;
    std::vector<float> rows;
    for (uint32_t id = 90; id < kRows; ++id) {
        ids.push_back(id);
        const std::vector<float> row = vector_of(id);
        rows.insert(rows.end(), row.begin(), row.end());
    }
    fail_each_allocation([&] { return index->set_many(ids.size(), ids.data(), 1, rows.data()); },
                         unchanged);
    LLM_CACHE_CHECK(index->partition_size(0) == kRows / 2 - 5);
}

LLM_CACHE_TEST("a batch that finds no memory says so, and the next one is right") {
    Status status;
    auto index = FlatIndex::create(*available_kernels().front(), kDimension, status);
    bool is_new = false;
    for (uint32_t id = 0; id < 100; ++id) index->set(id, 0, vector_of(id).data(), is_new);
    const std::vector<float> query = vector_of(5);
    std::unique_ptr<FlatBatch> batch;
    fail_each_allocation(
        [&] {
            batch = index->batch(0, status);
            return status;
        },
        [&] { LLM_CACHE_CHECK(batch == nullptr); });
    uint32_t ids[10] = {};
    float products[10];
    fail_each_allocation([&] { return batch->run(query.data(), 1, 10, 1, ids, products); }, [] {});
    LLM_CACHE_CHECK(ids[0] == 99);
}

LLM_CACHE_TEST("a search that finds no memory says so, and the next one is right") {
    for (const Storage storage : kStorages) {
        Status status;
        auto index = FlatIndex::create(*available_kernels().front(), kDimension, status, storage);
        bool is_new = false;
        for (uint32_t id = 0; id < 100; ++id) index->set(id, 0, vector_of(id).data(), is_new);
        uint32_t ids[10];
        float products[10];
        size_t count = 0;
        const std::vector<float> query = vector_of(5);
        fail_each_allocation(
            [&] { return index->search(query.data(), 0, 10, ids, products, count); },
            [&] { LLM_CACHE_CHECK(count == 0); });
        LLM_CACHE_CHECK(count == 10 && ids[0] == 99);
    }
}

LLM_CACHE_TEST("an index that finds no memory is not made") {
    for (const Storage storage : kStorages) {
        Status status = Status::kOk;
        fail_each_allocation(
            [&] {
                FlatIndex::create(*available_kernels().front(), kDimension, status, storage);
                return status;
            },
            [] {});
    }
}

LLM_CACHE_TEST("clustering and quantising that find no memory say so and change nothing") {
    std::vector<float> vectors(40 * kDimension);
    Random random(seed());
    for (float& x : vectors) x = gaussian(random);
    const Kernels& kernels = *available_kernels().front();
    KMeansOptions options;
    options.clusters = 7;
    options.threads = 1;
    Clusters clusters;
    clusters.error = -1;
    fail_each_allocation(
        [&] { return kmeans(kernels, vectors.data(), 40, kDimension, options, {}, clusters); },
        [&] { LLM_CACHE_CHECK(clusters.error == -1 && clusters.centroids.empty()); });
    LLM_CACHE_CHECK(clusters.error > 0);
    const PqShape shape = {kDimension, 2, 4};
    std::unique_ptr<ProductQuantiser> trained;
    Status status = Status::kOk;
    const auto nothing_made = [&] { LLM_CACHE_CHECK(trained == nullptr); };
    fail_each_allocation(
        [&] {
            trained =
                ProductQuantiser::train(kernels, shape, vectors.data(), 40, {5, 1, 1}, {}, status);
            return status;
        },
        nothing_made);
    trained.reset();
    fail_each_allocation(
        [&] {
            trained = ProductQuantiser::create(kernels, shape, vectors.data(), status);
            return status;
        },
        nothing_made);
    const std::vector<uint8_t> blocks(shape.block_bytes());
    const std::vector<float> table(shape.table_length(), 1);
    float out[kCodeRows] = {};
    fail_each_allocation([&] { return trained->scan(table.data(), blocks.data(), 1, out); },
                         [&] { LLM_CACHE_CHECK(out[0] == 0); });
    LLM_CACHE_CHECK(out[0] == 2);
}

LLM_CACHE_TEST("writing and loading a state that find no memory say so, and can be tried again") {
    MemorySink sink;
    sink.bytes.reserve(1 << 20);
    std::unique_ptr<FlatStateWriter> writer(new FlatStateWriter(sink, kStateDimension));
    size_t rows = 0;
    for (uint32_t id = 0; id < 40; ++id) {
        const std::vector<float> row = state_vector(id);
        fail_each_allocation_of([&] { return writer->add(id, id / 30, row.data()); },
                                [&] { LLM_CACHE_CHECK(writer->rows() == rows); }, false);
        ++rows;
    }
    writer->finish_rows();
    LLM_CACHE_CHECK(writer->container().finish() == Status::kOk);
    const auto bytes = aligned(sink.bytes.data(), sink.bytes.size());
    const std::vector<uint8_t> before(bytes.get(), bytes.get() + sink.bytes.size());
    ContainerReader reader;
    LLM_CACHE_CHECK(reader.open(bytes.get(), sink.bytes.size(), kFlatKind, kStateBudget) ==
                    Status::kOk);
    std::unique_ptr<FlatIndex> index;
    Status status = Status::kOk;
    fail_each_allocation(
        [&] {
            index =
                FlatIndex::adopt(*available_kernels().front(), reader, bytes, kStateBudget, status);
            return status;
        },
        [&] { LLM_CACHE_CHECK(index == nullptr); });
    LLM_CACHE_CHECK(index != nullptr && index->size() == 40);
    // A refused change writes nothing into the file's memory: the index is bit for bit as it was.
    const std::vector<float> vector = state_vector(500);
    std::vector<uint32_t> ids;
    std::vector<float> vectors;
    for (uint32_t id = 20; id < 120; ++id) {
        ids.push_back(id);
        vectors.insert(vectors.end(), vector.begin(), vector.end());
    }
    fail_each_allocation(
        [&] { return index->set_many(ids.size(), ids.data(), 1, vectors.data()); },
        [&] {
            LLM_CACHE_CHECK(index->size() == 40);
            LLM_CACHE_CHECK(std::memcmp(bytes.get(), before.data(), before.size()) == 0);
        });
    LLM_CACHE_CHECK(index->size() == 120);
}

LLM_CACHE_TEST("rows that find no memory in lists are refused and change nothing") {
    Random random(seed());
    Clustered data(kDimension, 4, random);
    const std::vector<float> sample = data.draw_many(64);
    const IvfPlan plan = {{kDimension, 3, 4, 4}, {}, Rescore::kInt8, 64};
    std::vector<uint32_t> ids(64);
    for (uint32_t id = 0; id < 64; ++id) ids[id] = id;
    Status status;
    const auto lists =
        build_lists(*available_kernels().front(), plan, 64, ids.data(), sample.data(), {}, status);
    LLM_CACHE_CHECK(lists != nullptr);
    const std::vector<float> question = data.draw_many(1);
    const auto answer = [&] {
        IvfSearch search;
        LLM_CACHE_CHECK(lists->search({question.data(), 0, 64, 3, 64, {}}, search) == Status::kOk);
        std::vector<uint32_t> found;
        for (const IvfHit& hit : search.hits) found.push_back(hit.id);
        return found;
    };
    const std::vector<uint32_t> before = answer();
    // Far apart, so that each takes a page of the table of ids, and enough for new blocks.
    std::vector<uint32_t> added(120);
    for (uint32_t i = 0; i < 120; ++i) added[i] = 1000 + i * 40;
    const std::vector<float> rows = data.draw_many(120);
    float error = 0;
    fail_each_allocation(
        [&] {
            // Its room is of an earlier call or of none.
            IvfBatch batch;
            return set_rows(*lists, 1, 120, added.data(), rows.data(), batch, error);
        },
        [&] {
            LLM_CACHE_CHECK(lists->size() == 64);
            LLM_CACHE_CHECK(answer() == before);
        });
    LLM_CACHE_CHECK(lists->size() == 184);
}

LLM_CACHE_TEST("so do writing and loading lists") {
    const std::vector<IvfPart> parts = {state_lists(1, Rescore::kInt8, 8, 40),
                                        state_lists(2, Rescore::kFloat16, 48, 20)};
    std::vector<uint32_t> numbers;
    for (uint32_t id = 0; id < 68; ++id) numbers.push_back(id);
    MemorySink sink;
    sink.bytes.reserve(1 << 20);
    fail_each_allocation(
        [&] {
            sink.bytes.clear();
            ContainerWriter container(sink, kFlatKind);
            return write_lists(container, parts, numbers.data(), numbers.size(), numbers.size());
        },
        [&] { LLM_CACHE_CHECK(parts[0].lists->size() == 40 && parts[1].lists->size() == 20); });
    sink.bytes.clear();
    LLM_CACHE_CHECK(write_state(sink, 8, parts) == Status::kOk);
    const auto bytes = aligned(sink.bytes.data(), sink.bytes.size());
    IvfFile file;
    LLM_CACHE_CHECK(load_lists(bytes, sink.bytes.size(), file, ~uint64_t{}) == Status::kOk);
    ContainerReader reader;
    reader.open(bytes.get(), sink.bytes.size(), kFlatKind, ~uint64_t{});
    fail_each_allocation(
        [&] {
            file.parts.clear();
            file.vacant = {};
            return adopt_lists(*available_kernels().front(), reader, ~uint64_t{}, file);
        },
        [&] { LLM_CACHE_CHECK(file.parts.size() <= 2); });
    LLM_CACHE_CHECK(file.parts.size() == 2 && file.vacant.size() == 1);
}
