// IvfLists against a map and products of every row, through any changes, and while others search.
#include "ivfpq_lists.hpp"

#include <atomic>
#include <cmath>
#include <set>
#include <thread>

#include "ivfpq_build.hpp"
#include "ivfpq_state.hpp"
#include "ivfpq_support.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

const Kernels& best() { return *available_kernels().front(); }

constexpr Rescore kFormats[] = {Rescore::kNone, Rescore::kInt8, Rescore::kFloat16};

}  // namespace

LLM_CACHE_TEST("a search of all lists that rescores all rows is exact for the rows as kept") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (const size_t nbits : {4u, 8u}) {
            for (const Rescore rescore : kFormats) {
                const IvfShape shape = {30, 9, 6, nbits};
                Clustered data(30, 12, random);
                const std::vector<float> vectors = data.draw_many(500);
                IvfLists lists(train(*kernels, shape, vectors, nbits == 8 ? 2 : 0), rescore);
                insert_all(lists, batch_of(lists, 0, vectors, 2));
                LLM_CACHE_CHECK(lists.size() == 500 && lists.partition_size(1) == 250);
                std::map<uint32_t, uint32_t> rows;
                for (uint32_t id = 0; id < 500; ++id) rows[id] = id % 2;
                IvfSearch search;
                for (int i = 0; i < 10; ++i) {
                    const std::vector<float> query = data.draw_many(1);
                    const Ranking right = ranking(lists, rows, query.data(), 1);
                    LLM_CACHE_CHECK(lists.search({query.data(), 1, 20, 9, 500, {}}, search) ==
                                    Status::kOk);
                    LLM_CACHE_CHECK(search.hits.size() == 20);
                    // 4-bit tables are rounded to bytes: 6 entries by half a step of about 1/127.
                    const double rounding = rescore == Rescore::kNone && nbits == 4 ? 0.1 : 1e-4;
                    for (size_t j = 0; j < search.hits.size(); ++j) {
                        LLM_CACHE_CHECK(std::fabs(search.hits[j].product - right[j].first) <
                                        rounding);
                    }
                }
            }
        }
    }
}

LLM_CACHE_TEST("rows set in pieces on several threads are those that were set last") {
    Random random(seed() + 7);
    constexpr size_t kDimension = 16;
    const IvfShape shape = {kDimension, 8, 4, 4};
    Clustered data(kDimension, 6, random);
    Status status;
    const IvfPlan plan = {shape, {}, Rescore::kFloat16, 300};
    const std::vector<float> sample = data.draw_many(300);
    const auto lists = build_lists(best(), plan, 300, nullptr, sample.data(), {}, status);
    LLM_CACHE_CHECK(status == Status::kOk && lists->size() == 0);
    std::map<uint32_t, std::vector<float>> rows;
    IvfBatch batch;
    for (int piece = 0; piece < 40; ++piece) {
        const size_t count = below(random, 600);
        std::vector<uint32_t> ids(count);
        std::vector<float> vectors = data.draw_many(count);
        for (uint32_t& id : ids) id = static_cast<uint32_t>(below(random, 900));
        const bool spoilt = piece % 4 == 3 && count > 0;
        if (spoilt) vectors[below(random, vectors.size())] = NAN;
        float error = -1;
        status = set_rows(*lists, 3, count, ids.data(), vectors.data(), batch, error);
        LLM_CACHE_CHECK((status == Status::kOk) == !spoilt);
        LLM_CACHE_CHECK((error >= 0) == (!spoilt && count > 0));
        for (size_t i = 0; i < count && !spoilt; ++i) {
            const float* row = vectors.data() + i * kDimension;
            rows[ids[i]] = std::vector<float>(row, row + kDimension);
        }
        LLM_CACHE_CHECK(lists->size() == rows.size());
        IvfScratch scratch;
        float out[kDimension];
        for (const auto& [id, row] : rows) {
            LLM_CACHE_CHECK(lists->read(id, scratch, out));
            for (size_t i = 0; i < kDimension; ++i) {
                LLM_CACHE_CHECK(std::fabs(out[i] - row[i]) < 1e-3f);
            }
        }
    }
}

LLM_CACHE_TEST(
    "through any changes a search finds the rows of its partition that the filter takes") {
    Random random(seed() + 1);
    const IvfShape shape = {16, 8, 4, 4};
    Clustered data(16, 6, random);
    IvfLists lists(train(best(), shape, data.draw_many(300)), Rescore::kInt8);
    std::map<uint32_t, uint32_t> rows;
    IvfSearch search;
    for (int step = 0; step < 6000; ++step) {
        const uint32_t id = static_cast<uint32_t>(below(random, 900));
        const size_t what = below(random, 100);
        if (what < 60) {
            LLM_CACHE_CHECK(lists.remove(id) == (rows.erase(id) > 0));
            IvfBatch batch = batch_of(lists, id, data.draw_many(1));
            batch.partitions[0] = static_cast<uint32_t>(below(random, 3));
            insert_all(lists, batch);
            rows[id] = batch.partitions[0];
        } else if (what < 80) {
            LLM_CACHE_CHECK(lists.remove(id) == (rows.erase(id) > 0));
        } else if (step % 1500 == 1499) {
            lists.clear(1);
            for (auto at = rows.begin(); at != rows.end();) {
                at = at->second == 1 ? rows.erase(at) : std::next(at);
            }
        } else {
            const uint32_t partition = static_cast<uint32_t>(below(random, 3));
            std::vector<uint64_t> words(12);
            for (uint64_t& word : words) word = random();
            IdFilter filter;
            if (what < 90) filter = {words.data(), words.size() * 64};
            std::set<uint32_t> expected;
            for (const auto& [one, own] : rows) {
                if (own == partition && filter.takes(one)) expected.insert(one);
            }
            const std::vector<float> query = data.draw_many(1);
            LLM_CACHE_CHECK(lists.search({query.data(), partition, 1000, 2, 50, filter}, search) ==
                            Status::kOk);
            std::set<uint32_t> found;
            for (const IvfHit& hit : search.hits) found.insert(hit.id);
            LLM_CACHE_CHECK(found == expected && search.hits.size() == expected.size());
        }
        LLM_CACHE_CHECK(lists.size() == rows.size());
    }
}

LLM_CACHE_TEST("after ten times its rows came and went each is found, as in a fresh index") {
    Random random(seed() + 2);
    constexpr size_t kDimension = 32;
    constexpr uint32_t kRows = 4000;
    const IvfShape shape = {kDimension, 32, 16, 4};
    Clustered data(kDimension, 50, random);
    const auto quantiser = train(best(), shape, data.draw_many(4000));
    IvfLists churned(quantiser, Rescore::kInt8);
    std::vector<float> vectors = data.draw_many(kRows);
    insert_all(churned, batch_of(churned, 0, vectors));
    const size_t bytes = churned.bytes();
    for (uint32_t change = 0; change < 10 * kRows; ++change) {
        const uint32_t id = static_cast<uint32_t>(below(random, kRows));
        data.draw(vectors.data() + id * kDimension);
        const std::vector<float> row(vectors.begin() + id * kDimension,
                                     vectors.begin() + (id + 1) * kDimension);
        LLM_CACHE_CHECK(churned.remove(id));
        insert_all(churned, batch_of(churned, id, row));
    }
    LLM_CACHE_CHECK(churned.size() == kRows);
    LLM_CACHE_CHECK(churned.bytes() < bytes * 13 / 10);
    IvfLists fresh(quantiser, Rescore::kInt8);
    insert_all(fresh, batch_of(fresh, 0, vectors));
    LLM_CACHE_CHECK(churned.bytes() < fresh.bytes() * 13 / 10);
    IvfSearch search;
    size_t reached = 0;
    for (uint32_t id = 0; id < kRows; ++id) {
        churned.search({vectors.data() + id * kDimension, 0, 1, 4, 40, {}}, search);
        if (search.hits.size() == 1 && search.hits[0].id == id) ++reached;
    }
    LLM_CACHE_CHECK(reached * 1000 >= kRows * 999u);
    // The same quantiser and rows, so the same answers but for ties at the edge of what is
    // rescored.
    size_t equal = 0;
    for (int i = 0; i < 200; ++i) {
        const std::vector<float> query = data.draw_many(1);
        std::set<uint32_t> ids;
        churned.search({query.data(), 0, 10, 8, 100, {}}, search);
        for (const IvfHit& hit : search.hits) ids.insert(hit.id);
        fresh.search({query.data(), 0, 10, 8, 100, {}}, search);
        for (const IvfHit& hit : search.hits) equal += ids.count(hit.id);
    }
    LLM_CACHE_CHECK(equal >= 1980);
}

LLM_CACHE_TEST("lists that empty give their memory back") {
    Random random(seed() + 3);
    const IvfShape shape = {32, 8, 8, 8};
    Clustered data(32, 6, random);
    IvfLists lists(train(best(), shape, data.draw_many(600)), Rescore::kFloat16);
    const size_t empty = lists.bytes();
    insert_all(lists, batch_of(lists, 0, data.draw_many(3000)));
    const size_t full = lists.bytes();
    for (uint32_t id = 0; id < 3000; ++id) lists.remove(id);
    LLM_CACHE_CHECK(lists.size() == 0);
    // What codes lay in is kept for the next ones: 8 of the 72 bytes of a row.
    LLM_CACHE_CHECK(lists.bytes() < empty + (full - empty) / 3);
}

LLM_CACHE_TEST("searches and snapshots on other threads meet whole rows while one changes them") {
    Random random(seed() + 4);
    constexpr size_t kDimension = 24;
    constexpr uint32_t kRows = 600;
    const IvfShape shape = {kDimension, 8, 6, 4};
    Clustered data(kDimension, 6, random);
    IvfLists lists(train(best(), shape, data.draw_many(600)), Rescore::kInt8);
    insert_all(lists, batch_of(lists, 0, data.draw_many(kRows), 3));
    const std::vector<float> queries = data.draw_many(64);
    // These rows stand all the time.
    const std::vector<float> fixed = data.draw_many(30);
    insert_all(lists, batch_of(lists, 3000, fixed, 3));
    std::atomic<bool> over{false};
    std::atomic<size_t> wrong{0};
    std::atomic<size_t> searches{0};
    const auto read = [&](uint32_t partition) {
        IvfSearch search;
        for (size_t i = 0; !over; ++i) {
            const float* query = queries.data() + i % 64 * kDimension;
            lists.search({query, partition, 2000, 8, 2000, {}}, search);
            std::set<uint32_t> ids;
            for (const IvfHit& hit : search.hits) {
                ids.insert(hit.id);
                if (hit.id % 3 != partition || !(std::fabs(hit.product) < 1.01f)) ++wrong;
            }
            if (ids.size() != search.hits.size()) ++wrong;
            for (uint32_t id = 3000; id < 3030; ++id) {
                if (id % 3 == partition && ids.count(id) == 0) ++wrong;
            }
            ++searches;
        }
    };
    std::atomic<size_t> snapshots{0};
    const auto copy = [&] {
        std::vector<uint32_t> numbers(3030);
        for (uint32_t id = 0; id < numbers.size(); ++id) numbers[id] = id;
        for (; !over; ++snapshots) {
            std::vector<bool> taken(numbers.size());
            const IvfSnapshot snapshot(lists, numbers.data(), numbers.size(), taken);
            std::set<uint32_t> ids;
            for (size_t list = 0; list < shape.nlist; ++list) {
                const size_t rows = snapshot.lengths()[list];
                std::vector<uint32_t> own(rows);
                std::vector<uint32_t> partitions(rows);
                std::vector<float> scales(rows);
                std::vector<uint8_t> kept(rows * kDimension);
                snapshot.ids(list, own.data());
                snapshot.partitions(list, partitions.data());
                snapshot.scales(list, scales.data());
                snapshot.kept(list, kept.data());
                for (size_t i = 0; i < rows; ++i) {
                    double squares = 0;
                    for (size_t j = 0; j < kDimension; ++j) {
                        const double x = static_cast<int8_t>(kept[i * kDimension + j]) * scales[i];
                        squares += x * x;
                    }
                    if (partitions[i] != own[i] % 3 || std::fabs(squares - 1) > 0.05) ++wrong;
                    ids.insert(own[i]);
                }
            }
            if (ids.size() != snapshot.head().rows) ++wrong;
            for (uint32_t id = 3000; id < 3030; ++id) wrong += ids.count(id) == 0;
        }
    };
    std::thread one([&] { read(0); });
    std::thread two([&] { read(1); });
    std::thread three(copy);
    for (int change = 0; change < 6000 || searches < 20 || snapshots < 20; ++change) {
        const uint32_t id = static_cast<uint32_t>(below(random, kRows));
        lists.remove(id);
        insert_all(lists, batch_of(lists, id, data.draw_many(1), 3));
        if (change % 1000 == 999) {
            for (uint32_t i = 0; i < kRows; ++i) lists.remove(i);
        }
    }
    over = true;
    one.join();
    two.join();
    three.join();
    LLM_CACHE_CHECK(wrong == 0);
}
