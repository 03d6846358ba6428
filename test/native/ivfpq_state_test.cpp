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

// The arrays of a snapshot, as a file would keep them.
class Stored {
  public:
    IvfStateHead head_ = {};
    std::vector<float> centroids, codebooks, rotation, scales;
    std::vector<uint32_t> lengths_, ids, partitions;
    std::vector<uint8_t> codes, kept;

    explicit Stored(const IvfSnapshot& snapshot)
        : head_(snapshot.head()), lengths_(snapshot.lengths()) {
        const IvfShape& shape = head_.shape;
        centroids.resize(shape.nlist * shape.dimension);
        codebooks.resize(shape.pq().codebook_length());
        rotation.resize(head_.rotated ? shape.dimension * shape.dimension : 0);
        snapshot.quantiser().read_centroids(centroids.data());
        snapshot.quantiser().pq().read_codebooks(codebooks.data());
        if (head_.rotated) snapshot.quantiser().read_rotation(rotation.data());
        const size_t row_bytes = RowFormat{head_.rescore, shape.dimension}.bytes();
        for (size_t list = 0; list < shape.nlist; ++list) {
            const size_t end = ids.size();
            const size_t end_of_codes = codes.size();
            const size_t rows = lengths_[list];
            ids.resize(end + rows);
            partitions.resize(end + rows);
            scales.resize(end + rows);
            codes.resize(end_of_codes + code_blocks(rows) * shape.pq().block_bytes());
            kept.resize((end + rows) * row_bytes);
            snapshot.ids(list, ids.data() + end);
            snapshot.partitions(list, partitions.data() + end);
            snapshot.scales(list, scales.data() + end);
            snapshot.codes(list, codes.data() + end_of_codes);
            snapshot.kept(list, kept.data() + end * row_bytes);
        }
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

// Rows keep the ids that they have, if these are below `ids`.
Stored snapshot_of(const IvfLists& lists, uint32_t ids) {
    std::vector<uint32_t> numbers(ids);
    for (uint32_t id = 0; id < ids; ++id) numbers[id] = id;
    std::vector<bool> taken(ids);
    return Stored(IvfSnapshot(lists, numbers.data(), ids, taken));
}

Stored stored(Rescore rescore, size_t rotations, Clustered& data) {
    const IvfShape shape = {16, 6, 4, 4};
    IvfLists lists(train(best(), shape, data.draw_many(400), rotations), rescore);
    insert_all(lists, batch_of(lists, 0, data.draw_many(500), 2));
    for (uint32_t id = 0; id < 500; id += 7) lists.remove(id);
    return snapshot_of(lists, 700);
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
        const Stored again = snapshot_of(*lists, 700);
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

LLM_CACHE_TEST(
    "a snapshot calls rows by new numbers, each once, and leaves out those that have none") {
    Random random(seed() + 2);
    Clustered data(16, 6, random);
    IvfLists lists(train(best(), {16, 6, 4, 4}, data.draw_many(400)), Rescore::kInt8);
    insert_all(lists, batch_of(lists, 0, data.draw_many(300)));
    std::vector<uint32_t> numbers(250, kReservedNumber);
    std::set<uint32_t> expected;
    std::vector<bool> taken(200);
    taken[7] = true;
    for (uint32_t id = 10; id < 250; ++id) {
        // Some twice, some beyond what can be taken.
        numbers[id] = id - 10 - (id % 50 == 0 ? 1 : 0);
        if (numbers[id] < 200 && numbers[id] != 7) expected.insert(numbers[id]);
    }
    const Stored file(IvfSnapshot(lists, numbers.data(), numbers.size(), taken));
    LLM_CACHE_CHECK(file.ids.size() == expected.size());
    LLM_CACHE_CHECK(std::set<uint32_t>(file.ids.begin(), file.ids.end()) == expected);
    for (const uint32_t number : expected) LLM_CACHE_CHECK(taken[number]);
    Status status = Status::kOk;
    const auto again = IvfLists::import_state(best(), file.state(), status);
    LLM_CACHE_CHECK(again != nullptr && again->size() == expected.size());
    std::vector<uint32_t> ids;
    again->copy_ids(ids);
    LLM_CACHE_CHECK(std::set<uint32_t>(ids.begin(), ids.end()) == expected);
    // A row is the same by either number.
    IvfScratch scratch;
    float was[16];
    float is[16];
    LLM_CACHE_CHECK(lists.read(33, scratch, was) && again->read(23, scratch, is));
    LLM_CACHE_CHECK(std::equal(was, was + 16, is));
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
