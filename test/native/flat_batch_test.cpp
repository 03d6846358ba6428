// Batches of queries against single searches: equal to the last bit, and of the moment they were
// made, whatever changes while they run.
#include <algorithm>
#include <limits>
#include <thread>

#include "flat_support.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

struct Found {
    std::vector<uint32_t> ids;
    Vector products;
    bool operator==(const Found& other) const {
        return ids == other.ids && products == other.products;
    }
};

Vector draw_rows(const Source& draw, size_t count, size_t dimension, Random& random) {
    Vector rows;
    for (size_t i = 0; i < count; ++i) {
        const Vector row = draw(dimension, random);
        rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
}

Found search_one_by_one(FlatIndex& index, const Vector& queries, uint32_t partition, size_t k) {
    const size_t count = queries.size() / index.dimension();
    const size_t wanted = std::min(k, index.partition_size(partition));
    Found found{std::vector<uint32_t>(count * wanted), Vector(count * wanted)};
    for (size_t i = 0; i < count; ++i) {
        size_t length = 0;
        LLM_CACHE_CHECK(index.search(queries.data() + i * index.dimension(), partition, wanted,
                                     found.ids.data() + i * wanted,
                                     found.products.data() + i * wanted, length) == Status::kOk);
        LLM_CACHE_CHECK(length == wanted);
    }
    return found;
}

Found run(const FlatBatch& batch, const Vector& queries, size_t k, size_t threads) {
    const size_t count = queries.size() / batch.dimension();
    Found found{std::vector<uint32_t>(count * batch.found(k)), Vector(count * batch.found(k))};
    LLM_CACHE_CHECK(batch.run(queries.data(), count, k, threads, found.ids.data(),
                              found.products.data()) == Status::kOk);
    return found;
}

std::unique_ptr<FlatBatch> make_batch(FlatIndex& index, uint32_t partition) {
    Status status;
    auto batch = index.batch(partition, status);
    LLM_CACHE_CHECK(status == Status::kOk && batch != nullptr);
    return batch;
}

// Rows that are too great for halves are left out where the index keeps those.
void set_rows(FlatIndex& index, uint32_t partition, const Vector& rows, uint32_t first_id) {
    const size_t count = rows.size() / index.dimension();
    std::vector<uint32_t> ids(count);
    for (size_t i = 0; i < count; ++i) ids[i] = first_id + static_cast<uint32_t>(i);
    const Status status = index.set_many(count, ids.data(), partition, rows.data());
    LLM_CACHE_CHECK(status == Status::kOk || status == Status::kBeyondHalf);
    if (status == Status::kOk) return;
    for (size_t i = 0; i < count; ++i) {
        bool is_new = false;
        index.set(ids[i], partition, rows.data() + i * index.dimension(), is_new);
    }
}

}  // namespace

LLM_CACHE_TEST("a batch equals single searches to the last bit") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (const Source& draw : sources()) {
            for (const size_t dimension : {1u, 16u, 97u}) {
                for (const size_t rows : {0u, 1u, 40u, 700u}) {
                    const Storage storage = kStorages[below(random, 3)];
                    auto index = make(*kernels, dimension, storage);
                    set_rows(*index, 7, draw_rows(draw, rows, dimension, random), 0);
                    set_rows(*index, 8, draw_rows(draw, 20, dimension, random), 5000);
                    const size_t count = below(random, 70);
                    const Vector queries = draw_rows(draw, count, dimension, random);
                    const auto batch = make_batch(*index, 7);
                    for (const size_t k : {size_t{0}, size_t{1}, size_t{10}, size_t{1000}}) {
                        const Found expected = search_one_by_one(*index, queries, 7, k);
                        const size_t threads = below(random, 4);
                        LLM_CACHE_CHECK(run(*batch, queries, k, threads) == expected);
                    }
                }
            }
        }
    }
}

LLM_CACHE_TEST("a batch over many chunks equals single searches to the last bit") {
    Random random(seed() + 1);
    for (const Kernels* kernels : available_kernels()) {
        for (const Source& draw : sources()) {
            constexpr size_t kDimension = 32;
            for (const Storage storage : kStorages) {
                auto index = make(*kernels, kDimension, storage);
                set_rows(*index, 0, draw_rows(draw, 5000, kDimension, random), 0);
                const Vector queries = draw_rows(draw, 21, kDimension, random);
                const Found expected = search_one_by_one(*index, queries, 0, 10);
                LLM_CACHE_CHECK(run(*make_batch(*index, 0), queries, 10, 2) == expected);
            }
        }
    }
}

LLM_CACHE_TEST("changes while a batch runs neither wait for it nor show in it") {
    Random random(seed() + 2);
    constexpr size_t kDimension = 24;
    constexpr uint32_t kRows = 3000;
    const Source& draw = sources().front();
    for (int round = 0; round < 8; ++round) {
        auto index = make(*available_kernels().front(), kDimension);
        set_rows(*index, 0, draw_rows(draw, kRows, kDimension, random), 0);
        const Vector queries = draw_rows(draw, 40, kDimension, random);
        const Found before = search_one_by_one(*index, queries, 0, 10);
        auto batch = make_batch(*index, 0);
        Found found;
        std::thread reader([&] {
            for (int i = 0; i < 3; ++i) {
                found = run(*batch, queries, 10, 2);
                LLM_CACHE_CHECK(found == before);
            }
        });
        // A copy filled by the same calls, which no batch ever shared.
        auto model = make(*available_kernels().front(), kDimension);
        for (uint32_t id = 0; id < kRows; ++id) {
            bool is_new = false;
            LLM_CACHE_CHECK(model->set(id, 0, index->read(id), is_new) == Status::kOk);
        }
        for (int change = 0; change < 400; ++change) {
            const uint32_t id = static_cast<uint32_t>(below(random, kRows + 100));
            const uint32_t partition = below(random, 4) == 0 ? 1 : 0;
            if (below(random, 3) == 0) {
                LLM_CACHE_CHECK(remove(*index, id) == remove(*model, id));
            } else {
                const Vector rows = draw_rows(draw, 1 + below(random, 3), kDimension, random);
                set_rows(*index, partition, rows, id);
                set_rows(*model, partition, rows, id);
            }
        }
        for (const uint32_t partition : {0u, 1u}) {
            LLM_CACHE_CHECK(search_one_by_one(*index, queries, partition, 10) ==
                            search_one_by_one(*model, queries, partition, 10));
        }
        // The rows outlive their partition and the index.
        if (round % 2 == 0) index->clear(0);
        if (round % 4 == 0) index.reset();
        reader.join();
    }
}

LLM_CACHE_TEST("memory is what it was once a batch has ended, however much was copied for it") {
    Random random(seed() + 3);
    constexpr size_t kDimension = 24;
    auto index = make(*available_kernels().front(), kDimension);
    const Vector rows = draw_rows(sources().front(), 3000, kDimension, random);
    set_rows(*index, 0, rows, 0);
    const size_t bytes = index->bytes();
    for (int i = 0; i < 3; ++i) {
        const auto batch = make_batch(*index, 0);
        set_rows(*index, 0, rows, 0);
        LLM_CACHE_CHECK(index->bytes() == bytes);
    }
}

LLM_CACHE_TEST("a batch with a query that a search refuses is refused") {
    Random random(seed() + 4);
    constexpr size_t kDimension = 24;
    auto index = make(*available_kernels().front(), kDimension);
    set_rows(*index, 0, draw_rows(sources().front(), 50, kDimension, random), 0);
    const auto batch = make_batch(*index, 0);
    std::vector<uint32_t> ids(64 * 5);
    Vector products(64 * 5);
    const struct {
        float component;
        Status status;
    } cases[] = {{std::numeric_limits<float>::quiet_NaN(), Status::kNotFinite},
                 {std::numeric_limits<float>::infinity(), Status::kNotFinite},
                 {1e30f, Status::kTooLong}};
    for (const auto& one : cases) {
        for (const size_t bad : {0u, 17u, 63u}) {
            Vector queries = draw_rows(sources().front(), 64, kDimension, random);
            queries[bad * kDimension + 5] = one.component;
            LLM_CACHE_CHECK(batch->run(queries.data(), 64, 5, 2, ids.data(), products.data()) ==
                            one.status);
        }
    }
}
