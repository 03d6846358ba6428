// Lists exported and imported again: the same answers, rows that come and go beside the borrowed
// ones, and every wrong length or value refused.
#include "ivfpq_state.hpp"

#include <functional>
#include <limits>
#include <set>

#include "ivfpq_support.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

const Kernels& best() { return *available_kernels().front(); }

// The arrays of an export, as a file would keep them.
class Stored : public IvfStateSink {
  public:
    IvfStateHead head_ = {};
    std::vector<float> centroids, codebooks, rotation, scales;
    std::vector<uint32_t> lengths_, ids, partitions;
    std::vector<uint8_t> codes, kept;

    void head(const IvfStateHead& head) override { head_ = head; }
    void quantiser(const float* c, const float* b, const float* r) override {
        const IvfShape& shape = head_.shape;
        centroids.assign(c, c + shape.nlist * shape.dimension);
        codebooks.assign(b, b + shape.pq().codebook_length());
        if (r != nullptr) rotation.assign(r, r + shape.dimension * shape.dimension);
    }
    void lengths(const uint32_t* rows) override { lengths_.assign(rows, rows + head_.shape.nlist); }
    void list(size_t rows, const uint32_t* i, const uint32_t* p, const float* s, const uint8_t* c,
              const uint8_t* k) override {
        ids.insert(ids.end(), i, i + rows);
        partitions.insert(partitions.end(), p, p + rows);
        scales.insert(scales.end(), s, s + rows);
        codes.insert(codes.end(), c, c + code_blocks(rows) * head_.shape.pq().block_bytes());
        const RowFormat format = {head_.rescore, head_.shape.dimension};
        kept.insert(kept.end(), k, k + rows * format.bytes());
    }

    IvfState state() const {
        return {head_,
                centroids.data(),
                codebooks.data(),
                rotation.empty() ? nullptr : rotation.data(),
                lengths_.data(),
                ids.data(),
                partitions.data(),
                scales.data(),
                codes.data(),
                kept.data(),
                {centroids.size(), codebooks.size(), rotation.size(), lengths_.size(), ids.size(),
                 partitions.size(), scales.size(), codes.size(), kept.size()}};
    }
};

Stored stored(Rescore rescore, size_t rotations, Clustered& data) {
    const IvfShape shape = {16, 6, 4, 4};
    IvfLists lists(train(best(), shape, data.draw_many(400), rotations), rescore);
    insert_all(lists, batch_of(lists, 0, data.draw_many(500), 2));
    for (uint32_t id = 0; id < 500; id += 7) lists.remove(id);
    Stored out;
    lists.export_state(out);
    return out;
}

std::vector<std::pair<float, uint32_t>> answer(const IvfLists& lists, const float* query,
                                               size_t k) {
    IvfSearch search;
    LLM_CACHE_CHECK(lists.search({query, 1, k, 3, 60, {}}, search) == Status::kOk);
    std::vector<std::pair<float, uint32_t>> out;
    for (const IvfHit& hit : search.hits) out.push_back({hit.product, hit.id});
    return out;
}

}  // namespace

LLM_CACHE_TEST("imported lists answer as those exported, and go on from there") {
    Random random(seed());
    for (const Rescore rescore : {Rescore::kNone, Rescore::kInt8, Rescore::kFloat16}) {
        Clustered data(16, 6, random);
        const Stored file = stored(rescore, rescore == Rescore::kInt8 ? 2 : 0, data);
        const Stored untouched = file;
        Status status;
        const auto lists = IvfLists::import_state(best(), file.state(), status);
        LLM_CACHE_CHECK(lists != nullptr);
        if (lists == nullptr) return;
        Stored again;
        lists->export_state(again);
        LLM_CACHE_CHECK(again.ids == file.ids && again.codes == file.codes &&
                        again.kept == file.kept && again.rotation == file.rotation);
        const auto second = IvfLists::import_state(best(), again.state(), status);
        for (int i = 0; i < 20; ++i) {
            const std::vector<float> query = data.draw_many(1);
            LLM_CACHE_CHECK(answer(*lists, query.data(), 10) == answer(*second, query.data(), 10));
        }
        // Changes beside and among the borrowed rows, until few of those are left.
        std::set<uint32_t> rows(file.ids.begin(), file.ids.end());
        for (int change = 0; change < 2000; ++change) {
            const uint32_t id = static_cast<uint32_t>(below(random, 700));
            LLM_CACHE_CHECK(lists->remove(id) == (rows.erase(id) > 0));
            if (below(random, 3) == 0) continue;
            insert_all(*lists, batch_of(*lists, id, data.draw_many(1), 2));
            rows.insert(id);
        }
        std::set<uint32_t> found;
        for (const auto& [product, id] : answer(*lists, data.draw_many(1).data(), 1000)) {
            found.insert(id);
        }
        std::set<uint32_t> expected;
        for (const uint32_t id : rows) {
            if (id % 2 == 1) expected.insert(id);
        }
        LLM_CACHE_CHECK(found == expected);
        LLM_CACHE_CHECK(file.codes == untouched.codes && file.kept == untouched.kept);
    }
}

LLM_CACHE_TEST("lengths and values that do not fit together are refused") {
    Random random(seed() + 1);
    Clustered data(16, 6, random);
    const Stored good = stored(Rescore::kInt8, 1, data);
    const auto refused = [&](const std::function<void(Stored&)>& damage) {
        Stored bad = good;
        damage(bad);
        Status status = Status::kOk;
        const auto lists = IvfLists::import_state(best(), bad.state(), status);
        return lists == nullptr && status != Status::kOk;
    };
    LLM_CACHE_CHECK(!refused([](Stored&) {}));
    const std::vector<std::function<void(Stored&)>> damages = {
        [](Stored& s) { s.head_.rows++; },
        [](Stored& s) { s.head_.rows = ~size_t{0}; },
        [](Stored& s) { s.head_.shape.nlist++; },
        [](Stored& s) { s.head_.shape.nlist = ~size_t{0}; },
        [](Stored& s) { s.head_.shape.dimension = 32; },
        [](Stored& s) { s.head_.shape.m = 8; },
        [](Stored& s) { s.head_.shape.nbits = 8; },
        [](Stored& s) { s.head_.rescore = Rescore::kFloat16; },
        [](Stored& s) { s.head_.rescore = static_cast<Rescore>(9); },
        [](Stored& s) { s.head_.rotated = false; },
        [](Stored& s) { s.head_.error = std::numeric_limits<float>::quiet_NaN(); },
        [](Stored& s) { s.lengths_[0]++; },
        [](Stored& s) { s.lengths_[0] = 0xffffffffu; },
        [](Stored& s) { s.lengths_.pop_back(); },
        [](Stored& s) { s.ids[3] = s.ids[200]; },
        [](Stored& s) { s.ids[3] = 0xffffffffu; },
        [](Stored& s) { s.ids.pop_back(); },
        [](Stored& s) { s.partitions[1] = 0xffffffffu; },
        [](Stored& s) { s.scales[1] = -1; },
        [](Stored& s) { s.scales[1] = std::numeric_limits<float>::infinity(); },
        [](Stored& s) { s.codes.pop_back(); },
        [](Stored& s) { s.kept.pop_back(); },
        [](Stored& s) { s.centroids[7] = std::numeric_limits<float>::quiet_NaN(); },
        [](Stored& s) { s.codebooks[7] = 1e30f; },
        [](Stored& s) { s.rotation[7] += 1; },
    };
    for (const auto& damage : damages) LLM_CACHE_CHECK(refused(damage));
}
