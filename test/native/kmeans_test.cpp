// Clustering: the assignments against brute force, the means against the points, planted clusters
// found, equal bits for any number of threads, and bad input refused with nothing changed.
#include "kmeans.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

const Kernels& best() { return *available_kernels().front(); }

std::vector<float> gaussians(size_t count, Random& random) {
    std::vector<float> numbers(count);
    for (float& one : numbers) one = gaussian(random);
    return numbers;
}

// `count` points about `centres` far from each other, the i-th about centre i mod centres.
std::vector<float> planted(size_t count, size_t centres, size_t d, Random& random) {
    const std::vector<float> centre = gaussians(centres * d, random);
    std::vector<float> points(count * d);
    for (size_t i = 0; i < points.size(); ++i) {
        points[i] = 100 * centre[i / d % centres * d + i % d] + 0.3f * gaussian(random);
    }
    return points;
}

double squared_distance(const float* a, const float* b, size_t d) {
    double sum = 0;
    for (size_t i = 0; i < d; ++i) sum += (static_cast<double>(a[i]) - b[i]) * (a[i] - b[i]);
    return sum;
}

KMeansOptions options_for(size_t clusters, uint64_t seed) {
    KMeansOptions options;
    options.clusters = clusters;
    options.seed = seed;
    return options;
}

std::vector<size_t> sizes_of(const Clusters& clusters, size_t count) {
    std::vector<size_t> sizes(count);
    for (const uint32_t cluster : clusters.assignments) ++sizes[cluster];
    return sizes;
}

}  // namespace

LLM_CACHE_TEST("each point is with its nearest centroid, and the error is the mean distance") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (int round = 0; round < 12; ++round) {
            const size_t d = 1 + below(random, 40);
            const size_t k = 1 + below(random, 40);
            const size_t n = k + below(random, 3000);
            const std::vector<float> points = gaussians(n * d, random);
            KMeansOptions options = options_for(k, random());
            options.start = round % 2 == 0 ? Start::kRandom : Start::kPlusPlus;
            options.least_share = round % 3 == 0 ? 0.2 : 0;
            Clusters out;
            LLM_CACHE_CHECK(kmeans(*kernels, points.data(), n, d, options, {}, out) == Status::kOk);
            LLM_CACHE_CHECK(out.centroids.size() == k * d && out.assignments.size() == n);
            double error = 0;
            for (size_t i = 0; i < n; ++i) {
                const float* x = points.data() + i * d;
                double least = std::numeric_limits<double>::infinity();
                for (size_t c = 0; c < k; ++c) {
                    least = std::min(least, squared_distance(x, out.centroids.data() + c * d, d));
                }
                const double chosen =
                    squared_distance(x, out.centroids.data() + out.assignments[i] * d, d);
                LLM_CACHE_CHECK(chosen <= least + 1e-4 * (1 + least));
                error += chosen;
            }
            error /= static_cast<double>(n);
            LLM_CACHE_CHECK(std::fabs(out.error - error) <= 1e-4 * (1 + error));
        }
    }
}

LLM_CACHE_TEST("run to its end it rests on means: no centroid can be bettered by moving it") {
    Random random(seed() + 1);
    const size_t d = 6;
    const size_t n = 900;
    const std::vector<float> points = gaussians(n * d, random);
    KMeansOptions options = options_for(12, random());
    options.iterations = 1000;
    options.least_gain = 0;
    Clusters out;
    LLM_CACHE_CHECK(kmeans(best(), points.data(), n, d, options, {}, out) == Status::kOk);
    LLM_CACHE_CHECK(out.iterations < 1000);
    std::vector<double> sums(12 * d);
    const std::vector<size_t> sizes = sizes_of(out, 12);
    for (size_t i = 0; i < n * d; ++i) sums[out.assignments[i / d] * d + i % d] += points[i];
    for (size_t i = 0; i < sums.size(); ++i) {
        LLM_CACHE_CHECK(std::fabs(out.centroids[i] - sums[i] / static_cast<double>(sizes[i / d])) <
                        1e-5);
    }
}

LLM_CACHE_TEST("no cluster is empty from either start, and the spread-out one begins better") {
    Random random(seed() + 2);
    double errors[2] = {};
    for (int round = 0; round < 10; ++round) {
        const size_t k = 5 + below(random, 30);
        const size_t d = 8 + below(random, 10);
        const std::vector<float> points = planted(k * 50, k, d, random);
        KMeansOptions options = options_for(k, random());
        options.iterations = 100;
        for (const Start start : {Start::kRandom, Start::kPlusPlus}) {
            options.start = start;
            Clusters out;
            LLM_CACHE_CHECK(kmeans(best(), points.data(), k * 50, d, options, {}, out) ==
                            Status::kOk);
            const std::vector<size_t> sizes = sizes_of(out, k);
            LLM_CACHE_CHECK(*std::min_element(sizes.begin(), sizes.end()) > 0);
            errors[static_cast<size_t>(start)] += out.error;
        }
    }
    // By chance several centroids begin in one planted cluster, and Lloyd alone leaves them there.
    LLM_CACHE_CHECK(errors[1] < 0.7 * errors[0]);
}

LLM_CACHE_TEST("as many clusters as different points: none is empty and the error is nothing") {
    Random random(seed() + 3);
    for (const Start start : {Start::kRandom, Start::kPlusPlus}) {
        const size_t k = 37;
        std::vector<float> points = planted(k, k, 5, random);
        // Each point many times, so that a random start draws the same one twice.
        const std::vector<float> once = points;
        for (int i = 0; i < 9; ++i) points.insert(points.end(), once.begin(), once.end());
        KMeansOptions options = options_for(k, random());
        options.start = start;
        options.iterations = 200;
        Clusters out;
        LLM_CACHE_CHECK(kmeans(best(), points.data(), k * 10, 5, options, {}, out) == Status::kOk);
        const std::vector<size_t> sizes = sizes_of(out, k);
        LLM_CACHE_CHECK(*std::min_element(sizes.begin(), sizes.end()) == 10);
        LLM_CACHE_CHECK(out.error < 0.1);
    }
}

LLM_CACHE_TEST("with a least share no list is far longer than the mean") {
    Random random(seed() + 4);
    const size_t k = 64;
    const size_t n = 64 * 100;
    // Half of all points in a tight heap: a random start leaves most centroids outside of it.
    std::vector<float> points = gaussians(n * 8, random);
    for (size_t i = 0; i < n * 4; ++i) points[i] *= 0.05f;
    const auto longest = [&](double least_share) {
        KMeansOptions options = options_for(k, 7);
        options.start = Start::kRandom;
        options.least_share = least_share;
        Clusters out;
        LLM_CACHE_CHECK(kmeans(best(), points.data(), n, 8, options, {}, out) == Status::kOk);
        const std::vector<size_t> sizes = sizes_of(out, k);
        return *std::max_element(sizes.begin(), sizes.end());
    };
    LLM_CACHE_CHECK(longest(0.25) <= 1000);
}

LLM_CACHE_TEST("equal arguments give equal bits, whatever the number of threads") {
    Random random(seed() + 5);
    const size_t n = 5000;
    const std::vector<float> points = gaussians(n * 12, random);
    for (const Start start : {Start::kRandom, Start::kPlusPlus}) {
        KMeansOptions options = options_for(50, 99);
        options.start = start;
        Clusters expected;
        options.threads = 1;
        LLM_CACHE_CHECK(kmeans(best(), points.data(), n, 12, options, {}, expected) == Status::kOk);
        for (const size_t threads : {2u, 3u, 100u}) {
            options.threads = threads;
            Clusters out;
            LLM_CACHE_CHECK(kmeans(best(), points.data(), n, 12, options, {}, out) == Status::kOk);
            LLM_CACHE_CHECK(out.centroids == expected.centroids);
            LLM_CACHE_CHECK(out.assignments == expected.assignments);
            LLM_CACHE_CHECK(out.error == expected.error && out.iterations == expected.iterations);
        }
        options.seed = 100;
        Clusters other;
        LLM_CACHE_CHECK(kmeans(best(), points.data(), n, 12, options, {}, other) == Status::kOk);
        LLM_CACHE_CHECK(other.centroids != expected.centroids);
    }
}

LLM_CACHE_TEST("progress counts the rounds, and a cancel between any two ends it unchanged") {
    Random random(seed() + 6);
    const std::vector<float> points = gaussians(2000 * 4, random);
    KMeansOptions options = options_for(20, 1);
    options.iterations = 8;
    options.least_gain = 0;
    for (size_t stop_after = 0; stop_after < 8; ++stop_after) {
        std::atomic<bool> cancelled{stop_after == 0};
        size_t last = 0;
        Control control;
        control.cancelled = &cancelled;
        control.progress = [&](size_t done, size_t total) {
            LLM_CACHE_CHECK(done == last + 1 && total == 8);
            last = done;
            if (done == stop_after) cancelled = true;
        };
        Clusters out;
        out.error = -1;
        LLM_CACHE_CHECK(kmeans(best(), points.data(), 2000, 4, options, control, out) ==
                        Status::kCancelled);
        LLM_CACHE_CHECK(last == stop_after && out.error == -1 && out.centroids.empty());
    }
}

LLM_CACHE_TEST("bad input is refused and changes nothing") {
    Random random(seed() + 7);
    std::vector<float> points = gaussians(40 * 3, random);
    Clusters out;
    out.error = -1;
    const auto refused = [&](Status expected, size_t count, size_t d,
                             const KMeansOptions& options) {
        LLM_CACHE_CHECK(kmeans(best(), points.data(), count, d, options, {}, out) == expected);
        LLM_CACHE_CHECK(out.error == -1 && out.centroids.empty() && out.assignments.empty());
    };
    refused(Status::kTooFewPoints, 4, 3, options_for(5, 0));
    refused(Status::kTooFewPoints, 0, 3, options_for(1, 0));
    refused(Status::kCountOutOfRange, 40, 3, options_for(0, 0));
    refused(Status::kDimensionOutOfRange, 40, 0, options_for(2, 0));
    refused(Status::kDimensionOutOfRange, 1, 65537, options_for(1, 0));
    KMeansOptions no_threads = options_for(2, 0);
    no_threads.threads = 0;
    refused(Status::kCountOutOfRange, 40, 3, no_threads);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e19f}) {
        const float good = points[77];
        points[77] = bad;
        refused(bad == 1e19f ? Status::kTooLong : Status::kNotFinite, 40, 3, options_for(2, 0));
        points[77] = good;
    }
}

LLM_CACHE_TEST("equal, zero, tiny and huge points are clustered without a NaN") {
    for (const float x : {0.0f, 1.0f, 1e-42f, 1e18f, -1e18f}) {
        const std::vector<float> points(100 * 4, x);
        Clusters out;
        LLM_CACHE_CHECK(kmeans(best(), points.data(), 100, 4, options_for(9, 3), {}, out) ==
                        Status::kOk);
        for (const float c : out.centroids) LLM_CACHE_CHECK(c == x);
        LLM_CACHE_CHECK(out.error >= 0 && out.error <= 1e-5 * (1 + 4.0 * x * x));
    }
}
