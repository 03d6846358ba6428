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

void fill_batch(IvfBatch& batch, const uint32_t* rows, size_t count, const uint32_t* ids,
                const float* vectors, size_t dimension) {
    batch.ids.resize(count);
    batch.partitions.assign(count, 0);
    batch.vectors.resize(count * dimension);
    for (size_t i = 0; i < count; ++i) {
        batch.ids[i] = ids[rows[i]];
        std::copy_n(vectors + size_t{rows[i]} * dimension, dimension,
                    batch.vectors.data() + i * dimension);
    }
}

// The rows that stand under ids of the batch, as they are kept.
IvfBatch rows_before(IvfLists& lists, const IvfBatch& batch) {
    const size_t dimension = lists.format().dimension;
    IvfBatch before;
    IvfScratch scratch;
    for (const uint32_t id : batch.ids) {
        if (lists.slot_of(id) == kReservedNumber) continue;
        before.ids.push_back(id);
        before.partitions.push_back(0);
        before.vectors.resize(before.size() * dimension);
        lists.read(id, scratch, before.vectors.data() + (before.size() - 1) * dimension);
    }
    return before;
}

// Inserts the encoded batch, list by list.
Status insert_batch(IvfLists& lists, const IvfBatch& batch, std::vector<uint32_t>& order) {
    order.resize(batch.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
    // Not stable_sort: nothing may fail here, once rows have been removed.
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        return batch.lists[a] != batch.lists[b] ? batch.lists[a] < batch.lists[b] : a < b;
    });
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
        const std::vector<uint32_t> rows =
            ids == nullptr ? std::vector<uint32_t>() : standing(count, ids);
        std::vector<uint32_t> order;
        IvfBatch batch;
        for (size_t first = 0; first < rows.size(); first += kPiece) {
            const size_t size = std::min(kPiece, rows.size() - first);
            fill_batch(batch, rows.data() + first, size, ids, vectors, dimension);
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

Status set_rows(IvfLists& lists, size_t threads, size_t count, const uint32_t* ids,
                const float* vectors, IvfBatch& batch, float& error) {
    Status status = check_vectors(vectors, count, lists.format().dimension);
    if (status != Status::kOk || count == 0) return status;
    try {
        const std::vector<uint32_t> rows = standing(count, ids);
        fill_batch(batch, rows.data(), rows.size(), ids, vectors, lists.format().dimension);
        status = encode_batch(lists.quantiser(), lists.format(), threads, {}, batch);
        if (status != Status::kOk) return status;
        // Rows in their way have to go first; when the new ones find no room, they come back.
        IvfBatch before = rows_before(lists, batch);
        status = encode_batch(lists.quantiser(), lists.format(), threads, {}, before);
        if (status != Status::kOk) return status;
        std::vector<uint32_t> order(std::max(batch.size(), before.size()));
        for (const uint32_t id : before.ids) lists.remove(id);
        status = insert_batch(lists, batch, order);
        if (status != Status::kOk) {
            for (const uint32_t id : batch.ids) lists.remove(id);
            insert_batch(lists, before, order);
            return status;
        }
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
    double sum = 0;
    for (const float one : batch.errors) sum += one;
    error = static_cast<float>(sum / static_cast<double>(batch.size()));
    return Status::kOk;
}

}  // namespace llm_cache
