// FlatIndex against a map and products of every row as it is kept: equal to the last bit, whatever
// the data, the storage and the order of calls.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "flat_support.hpp"

using namespace llm_cache;
using namespace llm_cache_test;

namespace {

// What the index promises to equal.
class Model {
  public:
    Model(const Kernels& kernels, size_t dimension, Storage storage = Storage::kFloat32)
        : kernels_(kernels),
          dimension_(dimension),
          padded_((dimension + 15) / 16 * 16),
          storage_(storage) {}

    std::map<uint32_t, std::pair<uint32_t, Vector>> rows;

    std::vector<std::pair<float, uint32_t>> search(const Vector& query, uint32_t partition,
                                                   size_t k) const {
        float greatest = 0;
        for (const float x : query) greatest = std::max(greatest, std::fabs(x));
        int exponent = 0;
        if (greatest > 0) std::frexp(greatest, &exponent);
        Vector scaled(padded_);
        for (size_t i = 0; i < dimension_; ++i) {
            scaled[i] = static_cast<float>(std::ldexp(static_cast<double>(query[i]), -exponent));
        }
        std::vector<std::pair<float, uint32_t>> all;
        for (const auto& [id, row] : rows) {
            if (row.first != partition) continue;
            Vector padded = row.second;
            padded.resize(padded_);
            all.push_back({product(padded, scaled), id});
        }
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        if (all.size() > k) all.resize(k);
        for (auto& one : all) one.first = std::ldexp(one.first, exponent);
        return all;
    }

  private:
    float product(const Vector& row, const Vector& query) const {
        if (storage_ != Storage::kFloat16) {
            return kernels_.dot(row.data(), query.data(), padded_);
        }
        std::vector<uint16_t> halves(padded_);
        kernels_.rows()->to_half(row.data(), padded_, halves.data());
        return kernels_.rows()->dot_half(halves.data(), query.data(), padded_);
    }

    const Kernels& kernels_;
    size_t dimension_;
    size_t padded_;
    Storage storage_;
};

// What the index keeps of the row, which is the one given but for the rounding of its storage.
Vector kept(FlatIndex& index, uint32_t id, const Vector& given, Storage storage) {
    const float* row = index.read(id);
    LLM_CACHE_CHECK(row != nullptr);
    float greatest = 0;
    for (const float x : given) greatest = std::max(greatest, std::fabs(x));
    for (size_t i = 0; row != nullptr && i < given.size(); ++i) {
        const double off = std::fabs(static_cast<double>(row[i]) - given[i]);
        switch (storage) {
            case Storage::kFloat32:
                LLM_CACHE_CHECK(off == 0);
                break;
            case Storage::kFloat16:
                LLM_CACHE_CHECK(off <= std::max(std::fabs(given[i]) * 0x1p-11, 0x1p-25));
                break;
            case Storage::kInt8:
                // Vectors of such smallness are kept as zero.
                LLM_CACHE_CHECK(off <= std::max(greatest / 254 * (1 + 0x1p-12), 0x1p-110));
                break;
        }
    }
    return row == nullptr ? given : Vector(row, row + given.size());
}

void check_search(FlatIndex& index, const Model& model, const Vector& query, uint32_t partition,
                  size_t k) {
    std::vector<uint32_t> ids(k);
    Vector products(k);
    size_t count = 0;
    LLM_CACHE_CHECK(index.search(query.data(), partition, k, ids.data(), products.data(), count) ==
                    Status::kOk);
    const auto expected = model.search(query, partition, k);
    LLM_CACHE_CHECK(count == expected.size());
    for (size_t i = 0; i < std::min(count, expected.size()); ++i) {
        LLM_CACHE_CHECK(ids[i] == expected[i].second);
        LLM_CACHE_CHECK(products[i] == expected[i].first);
    }
}

void check_rows(FlatIndex& index, const Model& model, size_t dimension) {
    LLM_CACHE_CHECK(index.size() == model.rows.size());
    std::map<uint32_t, size_t> sizes;
    for (const auto& [id, row] : model.rows) {
        ++sizes[row.first];
        const float* stored = index.read(id);
        LLM_CACHE_CHECK(stored != nullptr);
        if (stored == nullptr) continue;
        LLM_CACHE_CHECK(std::memcmp(stored, row.second.data(), dimension * sizeof(float)) == 0);
    }
    for (const auto& [partition, size] : sizes) {
        LLM_CACHE_CHECK(index.partition_size(partition) == size);
    }
}

void set(FlatIndex& index, Model& model, Storage storage, uint32_t id, uint32_t partition,
         const Vector& vector) {
    const auto beyond = [](float x) { return std::fabs(x) >= 65520; };
    bool is_new = false;
    const Status status = index.set(id, partition, vector.data(), is_new);
    if (storage == Storage::kFloat16 && std::any_of(vector.begin(), vector.end(), beyond)) {
        LLM_CACHE_CHECK(status == Status::kBeyondHalf);
        return;
    }
    LLM_CACHE_CHECK(status == Status::kOk);
    LLM_CACHE_CHECK(is_new == (model.rows.count(id) == 0));
    model.rows[id] = {partition, kept(index, id, vector, storage)};
}

void check_any_sequence(const Kernels& kernels, const Source& draw, size_t dimension,
                        Storage storage, Random& random) {
    auto index = make(kernels, dimension, storage);
    Model model(kernels, dimension, storage);
    for (int step = 0; step < 500; ++step) {
        const uint32_t id = static_cast<uint32_t>(below(random, 120));
        const uint32_t partition = static_cast<uint32_t>(below(random, 3));
        const size_t verb = below(random, 20);
        if (verb < 13) {
            set(*index, model, storage, id, partition, draw(dimension, random));
        } else if (verb < 16) {
            LLM_CACHE_CHECK(remove(*index, id) == (model.rows.erase(id) == 1));
        } else if (verb < 19) {
            check_search(*index, model, draw(dimension, random), partition, 1 + below(random, 130));
        } else if (step % 100 == 0) {
            index->clear(partition);
            for (auto at = model.rows.begin(); at != model.rows.end();) {
                at = at->second.first == partition ? model.rows.erase(at) : ++at;
            }
        }
        LLM_CACHE_CHECK(index->has(id) == (model.rows.count(id) == 1));
    }
    check_rows(*index, model, dimension);
    for (uint32_t partition = 0; partition < 4; ++partition) {
        check_search(*index, model, draw(dimension, random), partition, 10);
    }
}

}  // namespace

LLM_CACHE_TEST("any sequence of changes and searches equals brute force to the last bit") {
    Random random(seed());
    for (const Kernels* kernels : available_kernels()) {
        for (const Source& draw : sources()) {
            for (const size_t dimension : {1u, 3u, 16u, 97u, 384u}) {
                for (const Storage storage : kStorages) {
                    check_any_sequence(*kernels, draw, dimension, storage, random);
                }
            }
        }
    }
}

LLM_CACHE_TEST("a large partition equals brute force and rescores few rows") {
    Random random(seed() + 1);
    constexpr size_t kDimension = 128;
    constexpr uint32_t kRows = 5000;
    for (const Kernels* kernels : available_kernels()) {
        for (const Storage storage : kStorages) {
            auto index = make(*kernels, kDimension, storage);
            Model model(*kernels, kDimension, storage);
            std::vector<uint32_t> ids;
            std::vector<Vector> given;
            Vector rows;
            for (uint32_t id = 0; id < kRows; ++id) {
                given.push_back(gaussian_vector(kDimension, random));
                ids.push_back(id);
                rows.insert(rows.end(), given[id].begin(), given[id].end());
            }
            LLM_CACHE_CHECK(index->set_many(kRows, ids.data(), 7, rows.data()) == Status::kOk);
            for (const uint32_t id : ids)
                model.rows[id] = {7, kept(*index, id, given[id], storage)};
            check_rows(*index, model, kDimension);
            for (const size_t k : {1u, 10u, 100u, 5000u, 6000u}) {
                check_search(*index, model, gaussian_vector(kDimension, random), 7, k);
                if (k == 10) LLM_CACHE_CHECK(index->last_rescored() < kRows / 20);
            }
        }
    }
}

LLM_CACHE_TEST("a storage takes the bytes it says") {
    constexpr size_t kDimension = 384;
    constexpr uint32_t kRows = 20464;
    Vector row(kDimension, 0.5f);
    size_t bytes[3];
    for (size_t i = 0; i < 3; ++i) {
        auto index = make(*available_kernels().front(), kDimension, kStorages[i]);
        const size_t empty = index->bytes();
        bool is_new = false;
        for (uint32_t id = 0; id < kRows; ++id) index->set(id, 0, row.data(), is_new);
        bytes[i] = index->bytes() - empty;
    }
    // Full chunks: the storages differ by the rows alone.
    LLM_CACHE_CHECK(bytes[0] - bytes[1] == size_t{kRows} * kDimension * 2);
    LLM_CACHE_CHECK(bytes[1] - bytes[2] == size_t{kRows} * kDimension * 2);
}

LLM_CACHE_TEST("where the best rows stand out, few others are rescored") {
    Random random(seed() + 6);
    constexpr size_t kDimension = 96;
    constexpr uint32_t kRows = 4000;
    std::vector<Vector> centres;
    for (int i = 0; i < 100; ++i) centres.push_back(gaussian_vector(kDimension, random));
    const auto near_a_centre = [&] {
        Vector vector = centres[below(random, centres.size())];
        for (float& one : vector) one += 0.3f * gaussian(random);
        return vector;
    };
    for (const Kernels* kernels : available_kernels()) {
        auto index = make(*kernels, kDimension);
        Model model(*kernels, kDimension);
        bool is_new = false;
        for (uint32_t id = 0; id < kRows; ++id) {
            const Vector vector = near_a_centre();
            index->set(id, 0, vector.data(), is_new);
            model.rows[id] = {0, vector};
        }
        for (int i = 0; i < 20; ++i) {
            check_search(*index, model, near_a_centre(), 0, 10);
            LLM_CACHE_CHECK(index->last_rescored() < kRows / 32 + kBlockRows);
        }
    }
}

LLM_CACHE_TEST("a stored vector finds itself first") {
    Random random(seed() + 2);
    for (const Kernels* kernels : available_kernels()) {
        auto index = make(*kernels, 64);
        for (uint32_t id = 0; id < 300; ++id) {
            Vector vector = gaussian_vector(64, random);
            float norm = 0;
            for (const float x : vector) norm += x * x;
            for (float& x : vector) x /= std::sqrt(norm);
            bool is_new = false;
            index->set(id, 0, vector.data(), is_new);
        }
        for (uint32_t id = 0; id < 300; ++id) {
            uint32_t found = 0;
            float product = 0;
            size_t count = 0;
            index->search(index->read(id), 0, 1, &found, &product, count);
            LLM_CACHE_CHECK(found == id && count == 1);
        }
    }
}

LLM_CACHE_TEST("refused input changes nothing") {
    Random random(seed() + 3);
    const Kernels& kernels = *available_kernels().front();
    auto index = make(kernels, 5);
    Model model(kernels, 5);
    bool is_new = false;
    for (uint32_t id = 0; id < 40; ++id) {
        const Vector vector = gaussian_vector(5, random);
        index->set(id, id % 2, vector.data(), is_new);
        model.rows[id] = {id % 2, vector};
    }
    const size_t bytes = index->bytes();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const Vector bad = {1, 2, nan, 4, 5};
    const Vector good = {1, 2, 3, 4, 5};
    const Vector last_is_bad = {1, 2, 3, 4, 5, 1, 2, 3, 4, std::numeric_limits<float>::infinity()};
    const uint32_t ids[] = {3, 1000};
    const uint32_t reserved[] = {3, kReservedNumber};
    LLM_CACHE_CHECK(index->set(3, 0, bad.data(), is_new) == Status::kNotFinite);
    LLM_CACHE_CHECK(index->set(kReservedNumber, 0, good.data(), is_new) == Status::kReservedNumber);
    LLM_CACHE_CHECK(index->set(3, kReservedNumber, good.data(), is_new) == Status::kReservedNumber);
    LLM_CACHE_CHECK(index->set_many(2, ids, 1, last_is_bad.data()) == Status::kNotFinite);
    LLM_CACHE_CHECK(index->set_many(2, reserved, 1, last_is_bad.data()) != Status::kOk);
    uint32_t found[1];
    float product[1];
    size_t count = 0;
    LLM_CACHE_CHECK(index->search(bad.data(), 0, 1, found, product, count) == Status::kNotFinite);
    LLM_CACHE_CHECK(count == 0);
    check_rows(*index, model, 5);
    LLM_CACHE_CHECK(index->bytes() == bytes);
}

LLM_CACHE_TEST("dimensions outside 1 to 65536 and fractions are refused, the ends are not") {
    const Kernels& kernels = *available_kernels().front();
    Status status;
    for (const double bad : {0.0, -1.0, 0.5, 65537.0, 1e300, std::nan("")}) {
        LLM_CACHE_CHECK(FlatIndex::create(kernels, bad, status) == nullptr);
        LLM_CACHE_CHECK(status == Status::kDimensionOutOfRange);
    }
    Random random(seed() + 4);
    for (const size_t dimension : {1u, 65536u}) {
        auto index = make(kernels, dimension);
        Model model(kernels, dimension);
        bool is_new = false;
        for (uint32_t id = 0; id < 20; ++id) {
            const Vector vector = gaussian_vector(dimension, random);
            index->set(id, 0, vector.data(), is_new);
            model.rows[id] = {0, vector};
        }
        check_search(*index, model, gaussian_vector(dimension, random), 0, 5);
    }
}

LLM_CACHE_TEST("replacing every row in place takes no memory, and churn gives all of it back") {
    Random random(seed() + 5);
    auto index = make(*available_kernels().front(), 32);
    const size_t empty = index->bytes();
    std::vector<uint32_t> ids(3000);
    for (uint32_t id = 0; id < ids.size(); ++id) ids[id] = id;
    Vector rows(ids.size() * 32);
    for (float& one : rows) one = gaussian(random);
    LLM_CACHE_CHECK(index->set_many(ids.size(), ids.data(), 0, rows.data()) == Status::kOk);
    const size_t full = index->bytes();
    LLM_CACHE_CHECK(index->set_many(ids.size(), ids.data(), 0, rows.data()) == Status::kOk);
    LLM_CACHE_CHECK(index->bytes() == full);
    bool is_new = false;
    for (int step = 0; step < 100000; ++step) {
        const uint32_t id = static_cast<uint32_t>(below(random, 4000));
        const uint32_t partition = static_cast<uint32_t>(below(random, 500));
        if (below(random, 3) == 0) {
            remove(*index, id);
        } else {
            index->set(id, partition, rows.data() + below(random, 3000) * 32, is_new);
        }
    }
    for (uint32_t id = 0; id < 4000; ++id) remove(*index, id);
    LLM_CACHE_CHECK(index->size() == 0);
    // What is left: the list of shard numbers that are free for reuse.
    LLM_CACHE_CHECK(index->bytes() < empty + 16384);
    index->clear();
    LLM_CACHE_CHECK(index->bytes() < empty + 256);
}
