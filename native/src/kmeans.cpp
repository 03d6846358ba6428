// Lloyd's algorithm over chunks of points and groups of clusters of fixed sizes: each sum is made
// in one order, so the result does not depend on which thread made it.
#include "kmeans.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <numeric>
#include <random>

#include "centroids.hpp"
#include "flat_index.hpp"
#include "parallel.hpp"
#include "quantise.hpp"

namespace llm_cache {
namespace {

constexpr size_t kChunk = 1024;
constexpr size_t kClusterGroup = 16;

class Random {
  public:
    explicit Random(uint64_t seed) : engine_(seed) {}
    /// Uniform in [0, 1); the same on every platform, unlike the standard's distributions.
    double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
    size_t below(size_t limit) {
        return std::min(limit - 1, static_cast<size_t>(uniform() * static_cast<double>(limit)));
    }

  private:
    std::mt19937_64 engine_;
};

class Lloyd {
  public:
    Lloyd(const Kernels& kernels, const float* points, size_t count, size_t dimension,
          const KMeansOptions& options, const Control& control)
        : kernels_(kernels),
          points_(points),
          count_(count),
          dimension_(dimension),
          options_(options),
          control_(control),
          random_(options.seed),
          packed_(options.clusters, dimension),
          centroids_(options.clusters * dimension),
          assignments_(count, 0),
          distances_(count),
          norms_(count),
          order_(count),
          starts_(options.clusters + 1),
          errors_((count + kChunk - 1) / kChunk),
          changes_(errors_.size()) {}

    Status run(Clusters& out) {
        for_chunks([&](size_t begin, size_t end) {
            for (size_t i = begin; i < end; ++i) {
                norms_[i] = kernels_.dot(point(i), point(i), dimension_);
            }
        });
        begin();
        size_t iteration = 0;
        bool repaired = true;
        for (double before = 0; iteration < options_.iterations; ++iteration) {
            const double error = assign();
            if (control_.stop()) return Status::kCancelled;
            const bool settled = changed_ == 0 || before - error < options_.least_gain * before;
            if (iteration > 0 && settled && !repaired) break;
            before = error;
            group();
            update();
            // A tiny cluster that is moved in the last round has no time to grow.
            repaired = repair(iteration + 2 < options_.iterations ? options_.least_share : 0);
            if (control_.progress) control_.progress(iteration + 1, options_.iterations);
        }
        const double error = assign();
        if (control_.stop()) return Status::kCancelled;
        out.centroids = std::move(centroids_);
        out.assignments = std::move(assignments_);
        out.error = error / static_cast<double>(count_);
        out.iterations = iteration;
        return Status::kOk;
    }

  private:
    const float* point(size_t index) const { return points_ + index * dimension_; }
    float* centroid(size_t index) { return centroids_.data() + index * dimension_; }

    template <typename Job>
    void for_chunks(const Job& job) {
        run_parallel(errors_.size(), options_.threads, [&](size_t chunk) {
            if (!control_.stop()) job(chunk * kChunk, std::min(count_, (chunk + 1) * kChunk));
        });
    }

    void copy_point(size_t from, size_t cluster) {
        std::copy_n(point(from), dimension_, centroid(cluster));
    }

    // The first `size` of `order_` become different points drawn by chance.
    void draw(size_t size) {
        std::iota(order_.begin(), order_.end(), 0u);
        for (size_t i = 0; i < size; ++i)
            std::swap(order_[i], order_[i + random_.below(count_ - i)]);
    }

    void begin() {
        const size_t clusters = options_.clusters;
        if (options_.start == Start::kRandom) {
            draw(clusters);
            for (size_t i = 0; i < clusters; ++i) copy_point(order_[i], i);
            return;
        }
        const size_t size = std::min(count_, clusters * kSeedingSample);
        draw(size);
        copy_point(order_[0], 0);
        std::fill_n(distances_.begin(), size, std::numeric_limits<float>::infinity());
        for (size_t next = 1; next < clusters && !control_.stop(); ++next) {
            double sum = 0;
            for (size_t i = 0; i < size; ++i) {
                const float distance =
                    kernels_.squared_l2(point(order_[i]), centroid(next - 1), dimension_);
                distances_[i] = std::min(distances_[i], distance);
                sum += distances_[i];
            }
            copy_point(order_[draw_by_distance(size, sum)], next);
        }
    }

    size_t draw_by_distance(size_t size, double sum) {
        if (!(sum > 0)) return random_.below(size);
        double left = random_.uniform() * sum;
        size_t last = 0;
        for (size_t i = 0; i < size; ++i) {
            if (distances_[i] == 0) continue;
            last = i;
            left -= distances_[i];
            if (left < 0) break;
        }
        return last;
    }

    // Finds each point's centroid; the sum of squared distances.
    double assign() {
        packed_.pack(centroids_.data());
        const Centroids centroids = packed_.view();
        for_chunks([&](size_t begin, size_t end) {
            uint32_t nearest[kChunk];
            const size_t size = end - begin;
            find_nearest(kernels_, point(begin), size, centroids, nearest,
                         distances_.data() + begin);
            double error = 0;
            size_t changes = 0;
            for (size_t i = 0; i < size; ++i) {
                float& distance = distances_[begin + i];
                distance = std::max(0.0f, norms_[begin + i] + 2 * distance);
                error += distance;
                changes += nearest[i] != assignments_[begin + i];
                assignments_[begin + i] = nearest[i];
            }
            errors_[begin / kChunk] = error;
            changes_[begin / kChunk] = changes;
        });
        changed_ = std::accumulate(changes_.begin(), changes_.end(), size_t{0});
        return std::accumulate(errors_.begin(), errors_.end(), 0.0);
    }

    size_t size_of(size_t cluster) const { return starts_[cluster + 1] - starts_[cluster]; }

    // Lists the points of each cluster in `order_`, one cluster after the other.
    void group() {
        std::fill(starts_.begin(), starts_.end(), 0u);
        for (const uint32_t cluster : assignments_) ++starts_[cluster + 1];
        std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
        for (size_t i = 0; i < count_; ++i) {
            order_[starts_[assignments_[i]]++] = static_cast<uint32_t>(i);
        }
        // Each start has become its end, which is the next one's start.
        std::copy_backward(starts_.begin(), starts_.end() - 1, starts_.end());
        starts_[0] = 0;
    }

    // Moves the centroids of clusters that are not empty to the means.
    void update() {
        const size_t clusters = options_.clusters;
        const size_t groups = (clusters + kClusterGroup - 1) / kClusterGroup;
        run_parallel(groups, options_.threads, [&](size_t group) {
            const size_t end = std::min(clusters, (group + 1) * kClusterGroup);
            for (size_t cluster = group * kClusterGroup; cluster < end; ++cluster) mean(cluster);
        });
    }

    void mean(size_t cluster) {
        if (size_of(cluster) == 0) return;
        constexpr size_t kComponents = 64;
        for (size_t start = 0; start < dimension_; start += kComponents) {
            const size_t length = std::min(kComponents, dimension_ - start);
            double sums[kComponents] = {};
            for (size_t i = starts_[cluster]; i < starts_[cluster + 1]; ++i) {
                const float* x = point(order_[i]) + start;
                for (size_t j = 0; j < length; ++j) sums[j] += x[j];
            }
            for (size_t j = 0; j < length; ++j) {
                centroid(cluster)[start + j] =
                    static_cast<float>(sums[j] / static_cast<double>(size_of(cluster)));
            }
        }
    }

    // Moves each cluster that is too small into the largest one; whether there was such.
    bool repair(double least_share) {
        const size_t clusters = options_.clusters;
        const double mean_size = static_cast<double>(count_) / static_cast<double>(clusters);
        const double least = std::max(1.0, least_share * mean_size);
        std::vector<size_t> sizes(clusters);
        for (size_t i = 0; i < clusters; ++i) sizes[i] = size_of(i);
        bool repaired = false;
        for (size_t small = 0; small < clusters; ++small) {
            if (static_cast<double>(size_of(small)) >= least) continue;
            // One that was taken from counts as halved, and one that has nothing to give as empty.
            size_t from = 0;
            while ((from = largest(sizes)) < clusters && !take_farthest(from, small)) {
                sizes[from] = 0;
            }
            if (from == clusters) break;
            sizes[small] = sizes[from] /= 2;
            repaired = true;
        }
        return repaired;
    }

    static size_t largest(const std::vector<size_t>& sizes) {
        const auto at = std::max_element(sizes.begin(), sizes.end());
        return *at < 2 ? sizes.size() : static_cast<size_t>(at - sizes.begin());
    }

    bool take_farthest(size_t from, size_t to) {
        if (size_of(from) < 2) return false;
        const auto farther = [&](uint32_t a, uint32_t b) { return distances_[a] < distances_[b]; };
        const uint32_t farthest = *std::max_element(order_.begin() + starts_[from],
                                                    order_.begin() + starts_[from + 1], farther);
        if (distances_[farthest] == 0) return false;
        copy_point(farthest, to);
        distances_[farthest] = 0;
        return true;
    }

    const Kernels& kernels_;
    const float* points_;
    const size_t count_;
    const size_t dimension_;
    const KMeansOptions& options_;
    const Control& control_;
    Random random_;
    PackedCentroids packed_;
    std::vector<float> centroids_;
    std::vector<uint32_t> assignments_;
    // Squared distance of each point from its centroid.
    std::vector<float> distances_;
    std::vector<float> norms_;
    std::vector<uint32_t> order_;
    std::vector<uint32_t> starts_;
    // By chunk.
    std::vector<double> errors_;
    std::vector<size_t> changes_;
    size_t changed_ = 0;
};

Status check(const float* points, size_t count, size_t dimension, const KMeansOptions& options) {
    if (dimension == 0 || dimension > kGreatestDimension) return Status::kDimensionOutOfRange;
    if (options.clusters == 0 || options.threads == 0 || count > UINT32_MAX) {
        return Status::kCountOutOfRange;
    }
    if (count < options.clusters) return Status::kTooFewPoints;
    return check_vectors(points, count, dimension);
}

}  // namespace

Status kmeans(const Kernels& kernels, const float* points, size_t count, size_t dimension,
              const KMeansOptions& options, const Control& control, Clusters& out) {
    const Status status = check(points, count, dimension, options);
    if (status != Status::kOk) return status;
    try {
        return Lloyd(kernels, points, count, dimension, options, control).run(out);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
}

}  // namespace llm_cache
