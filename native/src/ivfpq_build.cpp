// Building of lists; ivfpq_build.hpp.
#include "ivfpq_build.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include "number_map.hpp"
#include "quantise.hpp"

namespace llm_cache {
namespace {

// Rows that are encoded and inserted at a time: what they take besides the lists stays small.
constexpr size_t kPiece = 16384;
// Steps of progress: training takes about half of the time.
constexpr size_t kSteps = 100;
constexpr size_t kTrainingSteps = 50;

// The rows that stand: of each id the last.
std::vector<uint32_t> standing(size_t count, const uint32_t* ids) {
    NumberMap<uint32_t> last;
    last.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        uint32_t* earlier = last.find(ids[i]);
        if (earlier == nullptr) {
            last.insert(ids[i], static_cast<uint32_t>(i));
        } else {
            *earlier = static_cast<uint32_t>(i);
        }
    }
    std::vector<uint32_t> rows;
    rows.reserve(last.size());
    for (size_t i = 0; i < count; ++i) {
        if (*last.find(ids[i]) == i) rows.push_back(static_cast<uint32_t>(i));
    }
    return rows;
}

// Inserts the encoded batch, list by list.
Status insert_batch(IvfLists& lists, const IvfBatch& batch, std::vector<uint32_t>& order) {
    order.resize(batch.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return batch.lists[a] < batch.lists[b]; });
    for (size_t first = 0; first < order.size();) {
        size_t last = first + 1;
        while (last < order.size() && batch.lists[order[last]] == batch.lists[order[first]]) ++last;
        size_t added = 0;
        const Status status = lists.insert(batch, order.data() + first, last - first, added);
        if (status != Status::kOk) return status;
        first = last;
    }
    return Status::kOk;
}

}  // namespace

std::unique_ptr<IvfLists> build_lists(const Kernels& kernels, const IvfPlan& plan, size_t count,
                                      const uint32_t* ids, const float* vectors,
                                      const Control& control, Status& status) {
    const size_t dimension = plan.shape.dimension;
    const auto tell = [&](size_t step) {
        if (control.progress) control.progress(step, kSteps);
    };
    status = check_vectors(vectors, count, dimension);
    if (status != Status::kOk) return nullptr;
    try {
        Control training = control;
        training.progress = [&](size_t done, size_t total) {
            tell(done * kTrainingSteps / std::max<size_t>(total, 1));
        };
        std::shared_ptr<const IvfQuantiser> quantiser;
        {
            const std::vector<float> sample =
                sample_vectors(vectors, count, dimension, plan.sample);
            quantiser =
                IvfQuantiser::train(kernels, plan.shape, sample.data(), sample.size() / dimension,
                                    plan.training, training, status);
        }
        if (quantiser == nullptr) return nullptr;
        auto lists = std::make_unique<IvfLists>(std::move(quantiser), plan.rescore);
        const std::vector<uint32_t> rows = standing(count, ids);
        std::vector<uint32_t> order;
        IvfBatch batch;
        for (size_t first = 0; first < rows.size(); first += kPiece) {
            const size_t size = std::min(kPiece, rows.size() - first);
            batch.ids.resize(size);
            batch.partitions.assign(size, 0);
            batch.vectors.resize(size * dimension);
            for (size_t i = 0; i < size; ++i) {
                const size_t row = rows[first + i];
                batch.ids[i] = ids[row];
                std::copy_n(vectors + row * dimension, dimension,
                            batch.vectors.data() + i * dimension);
            }
            status = encode_batch(lists->quantiser(), lists->format(), plan.training.threads,
                                  control, batch);
            if (status == Status::kOk) status = insert_batch(*lists, batch, order);
            if (status != Status::kOk) return nullptr;
            tell(kTrainingSteps + (first + size) * (kSteps - kTrainingSteps) / rows.size());
        }
        return lists;
    } catch (const std::bad_alloc&) {
        status = Status::kOutOfMemory;
        return nullptr;
    }
}

Status set_row(IvfLists& lists, IvfBatch& batch, uint32_t id, const float* vector, float& error) {
    const size_t dimension = lists.format().dimension;
    Status status = check_vectors(vector, 1, dimension);
    if (status != Status::kOk) return status;
    try {
        batch.ids.assign(1, id);
        batch.partitions.assign(1, 0);
        batch.vectors.assign(vector, vector + dimension);
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    status = encode_batch(lists.quantiser(), lists.format(), 1, {}, batch);
    if (status != Status::kOk) return status;
    error = batch.errors[0];
    const uint32_t row = 0;
    size_t added = 0;
    if (lists.slot_of(id) == kReservedNumber) return lists.insert(batch, &row, 1, added);
    // The id's old row has to go first; when the new one finds no room, it comes back.
    IvfBatch old;
    try {
        old.ids.assign(1, id);
        old.partitions.assign(1, 0);
        old.vectors.resize(dimension);
        IvfScratch scratch;
        lists.read(id, scratch, old.vectors.data());
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    status = encode_batch(lists.quantiser(), lists.format(), 1, {}, old);
    if (status != Status::kOk) return status;
    lists.remove(id);
    status = lists.insert(batch, &row, 1, added);
    if (status != Status::kOk) lists.insert(old, &row, 1, added);
    return status;
}

}  // namespace llm_cache
