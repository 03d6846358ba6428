// Product quantisation: codes against brute force, tables and scans against the decoded vectors,
// training that cannot be told apart by its threads, and bad input refused.
#include "pq.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

std::vector<float> gaussians(size_t count, Random& random) {
    std::vector<float> numbers(count);
    for (float& one : numbers) one = gaussian(random);
    return numbers;
}

// Every shape of some sizes: parts of one component, odd m, m beyond what a byte a part can add up.
const PqShape kShapes[] = {{1, 1, 8},  {1, 1, 4},    {12, 3, 8},   {12, 3, 4},  {12, 12, 4},
                           {48, 6, 8}, {40, 5, 4},   {48, 24, 4},  {34, 17, 8}, {300, 300, 4},
                           {7, 7, 4},  {384, 48, 8}, {384, 48, 4}, {96, 2, 8}};

std::unique_ptr<ProductQuantiser> made(const Kernels& kernels, const PqShape& shape,
                                       Random& random) {
    Status status;
    const std::vector<float> books = gaussians(shape.codebook_length(), random);
    auto pq = ProductQuantiser::create(kernels, shape, books.data(), status);
    LLM_CACHE_CHECK(status == Status::kOk && pq != nullptr);
    std::vector<float> read(books.size());
    pq->read_codebooks(read.data());
    LLM_CACHE_CHECK(read == books);
    return pq;
}

double squared_distance(const float* a, const float* b, size_t d) {
    double sum = 0;
    for (size_t i = 0; i < d; ++i) sum += (static_cast<double>(a[i]) - b[i]) * (a[i] - b[i]);
    return sum;
}

}  // namespace

LLM_CACHE_TEST("each part is coded by its nearest centroid, and decoded to it") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (const PqShape& shape : kShapes) {
            const auto pq = made(*kernels, shape, random);
            const size_t n = 1 + below(random, 150);
            const size_t length = shape.part_length();
            const std::vector<float> vectors = gaussians(n * shape.dimension, random);
            std::vector<float> books(shape.codebook_length());
            pq->read_codebooks(books.data());
            // Codes are written over whatever was there.
            std::vector<uint8_t> codes(n * shape.code_bytes() + 1, 0xa5);
            LLM_CACHE_CHECK(pq->encode(vectors.data(), n, codes.data()) == Status::kOk);
            LLM_CACHE_CHECK(codes.back() == 0xa5);
            std::vector<float> decoded(vectors.size());
            pq->decode(codes.data(), n, decoded.data());
            for (size_t i = 0; i < n * shape.m; ++i) {
                const float* x = vectors.data() + i * length;
                const float* book = books.data() + i % shape.m * shape.centroids() * length;
                double least = std::numeric_limits<double>::infinity();
                for (size_t c = 0; c < shape.centroids(); ++c) {
                    least = std::min(least, squared_distance(x, book + c * length, length));
                }
                const double chosen = squared_distance(x, decoded.data() + i * length, length);
                LLM_CACHE_CHECK(chosen <= least + 1e-4);
            }
        }
    }
}

LLM_CACHE_TEST("sums of table entries are the products and distances of the decoded vectors") {
    Random random(seed() + 1);
    for (const Kernels* kernels : available_kernels()) {
        for (const PqShape& shape : kShapes) {
            const auto pq = made(*kernels, shape, random);
            const size_t n = below(random, 2200);
            std::vector<uint8_t> codes(n * shape.code_bytes());
            for (uint8_t& byte : codes) byte = static_cast<uint8_t>(below(random, 256));
            std::vector<float> decoded(n * shape.dimension);
            pq->decode(codes.data(), n, decoded.data());
            const size_t count = (n + kCodeRows - 1) / kCodeRows;
            std::vector<uint8_t> blocks(count * shape.block_bytes(), 0xa5);
            pq->pack(codes.data(), n, blocks.data());
            const std::vector<float> query = gaussians(shape.dimension, random);
            for (const TableKind kind : {TableKind::kInnerProduct, TableKind::kSquaredL2}) {
                std::vector<float> table(shape.table_length());
                LLM_CACHE_CHECK(pq->make_table(query.data(), kind, table.data()) == Status::kOk);
                std::vector<float> out(count * kCodeRows);
                LLM_CACHE_CHECK(pq->scan(table.data(), blocks.data(), count, out.data()) ==
                                Status::kOk);
                const double d = static_cast<double>(shape.dimension);
                const double slack = pq->scan_error(table.data()) + 2e-6 * d * (4 + std::sqrt(d));
                LLM_CACHE_CHECK(shape.nbits == 4 || pq->scan_error(table.data()) == 0);
                for (size_t i = 0; i < n; ++i) {
                    const float* row = decoded.data() + i * shape.dimension;
                    double expected = 0;
                    for (size_t j = 0; j < shape.dimension; ++j) {
                        const double x = query[j];
                        expected += kind == TableKind::kInnerProduct ? x * row[j]
                                                                     : (x - row[j]) * (x - row[j]);
                    }
                    LLM_CACHE_CHECK(std::fabs(out[i] - expected) <= slack);
                }
            }
        }
    }
}

LLM_CACHE_TEST("a table of equal entries is scanned exactly, however large they are") {
    Random random(seed() + 2);
    for (const PqShape& shape : kShapes) {
        const auto pq = made(*available_kernels().front(), shape, random);
        const std::vector<uint8_t> blocks(3 * shape.block_bytes(), 0x5a);
        for (const float x : {0.0f, -2.0f, 0x1p100f}) {
            const std::vector<float> table(shape.table_length(), x);
            std::vector<float> out(3 * kCodeRows);
            LLM_CACHE_CHECK(pq->scan(table.data(), blocks.data(), 3, out.data()) == Status::kOk);
            for (const float sum : out) LLM_CACHE_CHECK(sum == x * static_cast<float>(shape.m));
        }
        std::vector<float> table(shape.table_length());
        table.back() = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> out(3 * kCodeRows, 7);
        LLM_CACHE_CHECK(pq->scan(table.data(), blocks.data(), 3, out.data()) == Status::kNotFinite);
        LLM_CACHE_CHECK(out.front() == 7);
    }
}

LLM_CACHE_TEST("training betters random codebooks, and gives equal bits with any threads") {
    Random random(seed() + 3);
    for (const Kernels* kernels : available_kernels()) {
        for (const size_t nbits : {4u, 8u}) {
            const PqShape shape = {24, 6, nbits};
            const size_t n = 3000;
            const std::vector<float> vectors = gaussians(n * 24, random);
            const auto error_of = [&](const ProductQuantiser& pq) {
                std::vector<uint8_t> codes(n * shape.code_bytes());
                pq.encode(vectors.data(), n, codes.data());
                std::vector<float> decoded(vectors.size());
                pq.decode(codes.data(), n, decoded.data());
                return squared_distance(vectors.data(), decoded.data(), vectors.size());
            };
            std::vector<float> expected;
            for (const size_t threads : {1u, 2u, 5u}) {
                Status status;
                size_t last = 0;
                Control control;
                control.progress = [&](size_t done, size_t total) {
                    LLM_CACHE_CHECK(done == last + 1 && total == 6);
                    last = done;
                };
                const auto pq = ProductQuantiser::train(*kernels, shape, vectors.data(), n,
                                                        {25, 5, threads}, control, status);
                LLM_CACHE_CHECK(status == Status::kOk && pq != nullptr && last == 6);
                std::vector<float> books(shape.codebook_length());
                pq->read_codebooks(books.data());
                if (expected.empty()) expected = books;
                LLM_CACHE_CHECK(books == expected);
                // 256 of 3000 points as centroids, or 16, chosen at random, are clearly worse.
                LLM_CACHE_CHECK(error_of(*pq) < 0.8 * error_of(*made(*kernels, shape, random)));
            }
        }
    }
}

LLM_CACHE_TEST("bad shapes and bad vectors are refused, and nothing has changed") {
    Random random(seed() + 4);
    const Kernels& kernels = *available_kernels().front();
    std::vector<float> vectors = gaussians(300 * 8, random);
    Status status = Status::kOk;
    const auto train = [&](const PqShape& shape, size_t count, size_t threads = 1) {
        const auto pq = ProductQuantiser::train(kernels, shape, vectors.data(), count,
                                                {5, 1, threads}, {}, status);
        LLM_CACHE_CHECK((pq == nullptr) == (status != Status::kOk));
        return status;
    };
    LLM_CACHE_CHECK(train({8, 2, 8}, 300) == Status::kOk);
    LLM_CACHE_CHECK(train({8, 3, 8}, 300) == Status::kNotDivisible);
    LLM_CACHE_CHECK(train({8, 0, 8}, 300) == Status::kNotDivisible);
    LLM_CACHE_CHECK(train({8, 16, 8}, 300) == Status::kNotDivisible);
    LLM_CACHE_CHECK(train({8, 2, 5}, 300) == Status::kCodeBits);
    LLM_CACHE_CHECK(train({0, 1, 8}, 300) == Status::kDimensionOutOfRange);
    LLM_CACHE_CHECK(train({65537, 1, 8}, 300) == Status::kDimensionOutOfRange);
    LLM_CACHE_CHECK(train({8, 2, 8}, 255) == Status::kTooFewPoints);
    LLM_CACHE_CHECK(train({8, 2, 4}, 15) == Status::kTooFewPoints);
    LLM_CACHE_CHECK(train({8, 2, 4}, 16) == Status::kOk);
    LLM_CACHE_CHECK(train({8, 2, 8}, 300, 0) == Status::kCountOutOfRange);
    const auto pq = made(kernels, {8, 2, 8}, random);
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                            -std::numeric_limits<float>::infinity(), 1e19f}) {
        const Status expected = bad == 1e19f ? Status::kTooLong : Status::kNotFinite;
        const float good = vectors[1999];
        vectors[1999] = bad;
        LLM_CACHE_CHECK(train({8, 2, 8}, 300) == expected);
        std::vector<uint8_t> codes(300 * 2, 0xa5);
        LLM_CACHE_CHECK(pq->encode(vectors.data(), 300, codes.data()) == expected);
        LLM_CACHE_CHECK(std::count(codes.begin(), codes.end(), 0xa5) == 600);
        std::vector<float> table(512, 7);
        LLM_CACHE_CHECK(pq->make_table(vectors.data() + 249 * 8, TableKind::kSquaredL2,
                                       table.data()) == expected);
        LLM_CACHE_CHECK(std::count(table.begin(), table.end(), 7.0f) == 512);
        LLM_CACHE_CHECK(ProductQuantiser::create(kernels, {8, 2, 8}, vectors.data(), status) ==
                            nullptr &&
                        status == expected);
        vectors[1999] = good;
    }
    std::fill(vectors.begin(), vectors.end(), 0.25f);
    LLM_CACHE_CHECK(train({8, 2, 8}, 300) == Status::kAllEqual);
    vectors.back() = 0.5f;
    LLM_CACHE_CHECK(train({8, 2, 8}, 300) == Status::kOk);
}

LLM_CACHE_TEST("a cancel after any part ends the training") {
    Random random(seed() + 5);
    const std::vector<float> vectors = gaussians(600 * 12, random);
    for (size_t after = 0; after < 4; ++after) {
        std::atomic<bool> cancelled{after == 0};
        Control control;
        control.cancelled = &cancelled;
        control.progress = [&](size_t done, size_t) { cancelled = cancelled || done == after; };
        Status status;
        const auto pq = ProductQuantiser::train(*available_kernels().front(), {12, 4, 4},
                                                vectors.data(), 600, {25, 1, 1}, control, status);
        LLM_CACHE_CHECK(pq == nullptr && status == Status::kCancelled);
    }
}
