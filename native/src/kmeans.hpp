// k-means clustering; pq uses it for its codebooks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/kernels.hpp"
#include "status.hpp"

namespace llm_cache {

/// @brief How long work is watched and stopped from outside.
struct Control {
    /// Set from any thread: the work ends soon, with kCancelled. Null: it cannot be stopped.
    const std::atomic<bool>* cancelled = nullptr;
    /// Told how many steps of how many are done, never by two threads at once. Throws nothing.
    std::function<void(size_t done, size_t total)> progress;

    bool stop() const { return cancelled != nullptr && cancelled->load(std::memory_order_relaxed); }
};

/// @brief Where the centroids begin.
enum class Start : uint8_t {
    /// At points drawn by chance. Costs nothing; for many clusters.
    kRandom,
    /// At points drawn with a chance that grows with the squared distance from those drawn before,
    /// out of a sample of kSeedingSample points a cluster. Costs clusters^2 x kSeedingSample
    /// distances. Source: Arthur and Vassilvitskii, "k-means++", SODA 2007.
    kPlusPlus,
};
constexpr size_t kSeedingSample = 64;

struct KMeansOptions {
    size_t clusters = 0;
    /// Rounds of Lloyd's algorithm, at most.
    size_t iterations = 25;
    /// It ends early when a round lessens the error by less than this share.
    double least_gain = 1e-4;
    /// A cluster with less than this share of the mean number of points counts as empty, so that
    /// none stays tiny. 0: only an empty one does.
    double least_share = 0;
    Start start = Start::kPlusPlus;
    uint64_t seed = 0;
    /// Threads of its own, the caller's included.
    size_t threads = 2;
};

struct Clusters {
    /// clusters x dimension.
    std::vector<float> centroids;
    /// The nearest centroid of each point.
    std::vector<uint32_t> assignments;
    /// Mean squared distance of a point from its centroid.
    double error = 0;
    size_t iterations = 0;
};

/// @brief Clusters `count` points of `dimension` components by Lloyd's algorithm. An empty cluster
/// moves to the point of the largest one that is farthest from its centroid; one stays empty where
/// there are fewer different points than clusters, or, rarely, by the last round. Distances are
/// worked out as |x|^2 + |c|^2 - 2 x.c in float32, so points that lie closer together than about
/// 2^-11 of their norm are not told apart. Equal arguments give equal bits, whatever
/// the number of threads. Cost: count x clusters x dimension a round.
/// @return kOk, kCountOutOfRange (no cluster, no thread), kTooFewPoints (fewer points than
/// clusters), kDimensionOutOfRange, kNotFinite, kTooLong, kCancelled or kOutOfMemory; `out` is
/// changed only by kOk.
Status kmeans(const Kernels& kernels, const float* points, size_t count, size_t dimension,
              const KMeansOptions& options, const Control& control, Clusters& out);

}  // namespace llm_cache
