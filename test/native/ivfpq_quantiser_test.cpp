// IvfQuantiser: what it refuses, what a rotation is worth, and that it is put together again from
// its numbers.
#include "ivfpq_quantiser.hpp"

#include <limits>

#include "ivfpq_rotation.hpp"
#include "ivfpq_support.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

const Kernels& best() { return *available_kernels().front(); }

Status refused(const IvfShape& shape, const std::vector<float>& vectors,
               const std::atomic<bool>* cancelled = nullptr) {
    Status status = Status::kOk;
    Control control;
    control.cancelled = cancelled;
    const auto made = IvfQuantiser::train(best(), shape, vectors.data(),
                                          vectors.size() / std::max<size_t>(1, shape.dimension), {},
                                          control, status);
    LLM_CACHE_CHECK(made == nullptr);
    return status;
}

}  // namespace

LLM_CACHE_TEST("training refuses what it cannot learn from") {
    Random random(seed());
    Clustered data(8, 4, random);
    const std::vector<float> good = data.draw_many(40);
    LLM_CACHE_CHECK(refused({8, 41, 4, 4}, good) == Status::kTooFewPoints);
    LLM_CACHE_CHECK(refused({8, 4, 4, 8}, good) == Status::kTooFewPoints);
    LLM_CACHE_CHECK(refused({8, 0, 4, 4}, good) == Status::kListsOutOfRange);
    LLM_CACHE_CHECK(refused({8, kGreatestLists + 1, 4, 4}, good) == Status::kListsOutOfRange);
    LLM_CACHE_CHECK(refused({8, 4, 3, 4}, good) == Status::kNotDivisible);
    LLM_CACHE_CHECK(refused({8, 4, 4, 5}, good) == Status::kCodeBits);
    LLM_CACHE_CHECK(refused({8, 4, 4, 4}, std::vector<float>(320, 0.3f)) == Status::kAllEqual);
    std::vector<float> bad = good;
    bad[77] = std::numeric_limits<float>::quiet_NaN();
    LLM_CACHE_CHECK(refused({8, 4, 4, 4}, bad) == Status::kNotFinite);
    const std::atomic<bool> cancelled{true};
    LLM_CACHE_CHECK(refused({8, 4, 4, 4}, good, &cancelled) == Status::kCancelled);
}

LLM_CACHE_TEST("vectors that all are centroids are coded without error") {
    Random random(seed() + 1);
    Clustered data(8, 4, random);
    const std::vector<float> four = data.draw_many(4);
    std::vector<float> vectors;
    for (int i = 0; i < 20; ++i) vectors.insert(vectors.end(), four.begin(), four.end());
    const auto made = train(best(), {8, 4, 4, 4}, vectors);
    LLM_CACHE_CHECK(made->error() < 0.9f);
    IvfScratch scratch;
    std::vector<uint32_t> lists(4);
    std::vector<uint8_t> codes(4 * made->code_bytes());
    std::vector<float> errors(4);
    made->encode(four.data(), 4, scratch, lists.data(), codes.data(), errors.data());
    std::vector<float> back(8);
    for (size_t i = 0; i < 4; ++i) {
        made->decode(lists[i], codes.data() + i * made->code_bytes(), scratch, back.data());
        const float distance = best().squared_l2(back.data(), four.data() + i * 8, 8);
        LLM_CACHE_CHECK(std::fabs(distance - errors[i]) < 1e-5f);
    }
}

LLM_CACHE_TEST(
    "the orthogonal matrix nearest to a product of a rotation and stretches is the rotation") {
    Random random(seed() + 2);
    const size_t n = 20;
    std::vector<float> rotation(n * n);
    for (float& x : rotation) x = gaussian(random);
    LLM_CACHE_CHECK(!is_rotation(rotation.data(), n));
    LLM_CACHE_CHECK(make_orthogonal(rotation, n, 2) && is_rotation(rotation.data(), n));
    // U D with a positive diagonal D: its polar factor is U.
    std::vector<float> stretched = rotation;
    for (size_t i = 0; i < n * n; ++i) stretched[i] *= 0.5f + 0.2f * static_cast<float>(i % n);
    LLM_CACHE_CHECK(make_orthogonal(stretched, n, 1));
    for (size_t i = 0; i < n * n; ++i) {
        LLM_CACHE_CHECK(std::fabs(stretched[i] - rotation[i]) < 1e-3f);
    }
    std::vector<float> zero(n * n, 0);
    LLM_CACHE_CHECK(!make_orthogonal(zero, n, 1));
}

LLM_CACHE_TEST("a rotation lessens the error where components vary together") {
    Random random(seed() + 3);
    constexpr size_t kDimension = 16;
    // The first components of a few hidden ones, much stronger than the others.
    std::vector<float> vectors(3000 * kDimension);
    for (size_t i = 0; i < 3000; ++i) {
        for (size_t j = 0; j < kDimension; ++j) {
            vectors[i * kDimension + j] = gaussian(random) * (j < 4 ? 1.0f : 0.05f);
        }
    }
    const IvfShape shape = {kDimension, 1, 4, 4};
    const float plain = train(best(), shape, vectors)->error();
    const auto rotated = train(best(), shape, vectors, 12);
    LLM_CACHE_CHECK(rotated->is_rotated());
    LLM_CACHE_CHECK(rotated->error() < 0.8f * plain);
}

LLM_CACHE_TEST(
    "a quantiser made from another's numbers codes alike; numbers it cannot be made from are "
    "refused") {
    Random random(seed() + 4);
    Clustered data(12, 5, random);
    const std::vector<float> vectors = data.draw_many(400);
    const IvfShape shape = {12, 7, 3, 4};
    const auto first = train(best(), shape, vectors, 2);
    std::vector<float> centroids(7 * 12);
    std::vector<float> codebooks(shape.pq().codebook_length());
    std::vector<float> rotation(144);
    first->read_centroids(centroids.data());
    first->pq().read_codebooks(codebooks.data());
    first->read_rotation(rotation.data());
    Status status;
    const auto second = IvfQuantiser::create(best(), shape, centroids.data(), codebooks.data(),
                                             rotation.data(), first->error(), status);
    LLM_CACHE_CHECK(second != nullptr);
    std::vector<uint32_t> lists[2] = {std::vector<uint32_t>(400), std::vector<uint32_t>(400)};
    std::vector<uint8_t> codes[2] = {std::vector<uint8_t>(400 * 2), std::vector<uint8_t>(400 * 2)};
    std::vector<float> errors(400);
    IvfScratch scratch;
    first->encode(vectors.data(), 400, scratch, lists[0].data(), codes[0].data(), errors.data());
    second->encode(vectors.data(), 400, scratch, lists[1].data(), codes[1].data(), errors.data());
    LLM_CACHE_CHECK(lists[0] == lists[1] && codes[0] == codes[1]);
    const auto refuse = [&](const float* c, const float* b, const float* r, float error) {
        return IvfQuantiser::create(best(), shape, c, b, r, error, status) == nullptr;
    };
    std::vector<float> bad = centroids;
    bad[3] = std::numeric_limits<float>::infinity();
    LLM_CACHE_CHECK(refuse(bad.data(), codebooks.data(), nullptr, 0) &&
                    status == Status::kNotFinite);
    bad = rotation;
    bad[5] += 0.1f;
    LLM_CACHE_CHECK(refuse(centroids.data(), codebooks.data(), bad.data(), 0) &&
                    status == Status::kDamaged);
    LLM_CACHE_CHECK(refuse(centroids.data(), codebooks.data(), nullptr, -1) &&
                    status == Status::kDamaged);
}
