// Lists to sections, one after the other, a list's piece of each at a time.
#include <algorithm>
#include <new>

#include "ivf_sections.hpp"
#include "ivf_state.hpp"

namespace llm_cache {
namespace {

// A section of one piece for each list of each snapshot.
template <typename T, typename Count, typename Fill>
void write_section(ContainerWriter& container, uint32_t tag,
                   const std::vector<std::unique_ptr<IvfSnapshot>>& snapshots, const Count& count,
                   const Fill& fill) {
    container.begin(tag, ElementOf<T>::value);
    std::vector<T> piece;
    for (const auto& snapshot : snapshots) {
        for (size_t list = 0; list < snapshot->lengths().size(); ++list) {
            piece.resize(count(*snapshot, snapshot->lengths()[list]));
            fill(*snapshot, list, piece.data());
            container.add(piece.data(), piece.size());
        }
    }
}

// A section of one piece for each quantiser.
template <typename Count, typename Fill>
void write_learnt(ContainerWriter& container, uint32_t tag,
                  const std::vector<std::unique_ptr<IvfSnapshot>>& snapshots, const Count& count,
                  const Fill& fill) {
    container.begin(tag, Element::kFloat32);
    std::vector<float> piece;
    for (const auto& snapshot : snapshots) {
        piece.resize(count(snapshot->head()));
        if (!piece.empty()) fill(snapshot->quantiser(), piece.data());
        container.add(piece.data(), piece.size());
    }
}

void write_all(ContainerWriter& container, const std::vector<IvfPart>& parts,
               const std::vector<std::unique_ptr<IvfSnapshot>>& snapshots) {
    container.begin(kListsTag, Element::kUint64);
    for (size_t i = 0; i < parts.size(); ++i) {
        const IvfStateHead head = snapshots[i]->head();
        const IvfHistory& history = parts[i].history;
        PartRecord record;
        record.partition = parts[i].partition;
        record.rows = head.rows;
        record.nlist = head.shape.nlist;
        record.m = head.shape.m;
        record.nbits = head.shape.nbits;
        record.rescore = static_cast<uint64_t>(head.rescore);
        record.rotated = head.rotated ? 1 : 0;
        record.error = bits_of<uint32_t>(head.error);
        record.learnt = std::min<uint64_t>(history.learnt, kGreatestWord);
        record.since = std::min<uint64_t>(history.since, kGreatestWord);
        record.recent_error = bits_of<uint64_t>(history.recent_error);
        container.add(reinterpret_cast<const uint64_t*>(&record), kPartWords);
    }
    write_learnt(
        container, kCentroidsTag, snapshots,
        [](const IvfStateHead& head) { return head.shape.nlist * head.shape.dimension; },
        [](const IvfQuantiser& made, float* out) { made.read_centroids(out); });
    write_learnt(
        container, kCodebooksTag, snapshots,
        [](const IvfStateHead& head) { return head.shape.pq().codebook_length(); },
        [](const IvfQuantiser& made, float* out) { made.pq().read_codebooks(out); });
    write_learnt(container, kRotationsTag, snapshots, rotation_length,
                 [](const IvfQuantiser& made, float* out) { made.read_rotation(out); });
    const auto one = [](const IvfSnapshot&, size_t rows) { return rows; };
    container.begin(kLengthsTag, Element::kUint32);
    for (const auto& snapshot : snapshots) {
        container.add(snapshot->lengths().data(), snapshot->lengths().size());
    }
    using Of = const IvfSnapshot&;
    write_section<uint32_t>(container, kIdsTag, snapshots, one,
                            [](Of of, size_t list, uint32_t* out) { of.ids(list, out); });
    write_section<uint32_t>(container, kListPartitionsTag, snapshots, one,
                            [](Of of, size_t list, uint32_t* out) { of.partitions(list, out); });
    write_section<float>(container, kScalesTag, snapshots, one,
                         [](Of of, size_t list, float* out) { of.scales(list, out); });
    write_section<uint8_t>(
        container, kCodesTag, snapshots,
        [](Of of, size_t rows) { return code_blocks(rows) * of.head().shape.pq().block_bytes(); },
        [](Of of, size_t list, uint8_t* out) { of.codes(list, out); });
    write_section<uint8_t>(
        container, kKeptTag, snapshots,
        [](Of of, size_t rows) {
            const IvfStateHead head = of.head();
            return rows * RowFormat{head.rescore, head.shape.dimension}.bytes();
        },
        [](Of of, size_t list, uint8_t* out) { of.kept(list, out); });
}

}  // namespace

Status write_lists(ContainerWriter& container, const std::vector<IvfPart>& parts,
                   const uint32_t* numbers, size_t count, size_t names) {
    try {
        std::vector<IvfPart> ordered = parts;
        std::sort(ordered.begin(), ordered.end(),
                  [](const IvfPart& a, const IvfPart& b) { return a.partition < b.partition; });
        std::vector<bool> taken(names);
        std::vector<std::unique_ptr<IvfSnapshot>> snapshots;
        snapshots.reserve(ordered.size());
        for (const IvfPart& part : ordered) {
            snapshots.push_back(std::make_unique<IvfSnapshot>(*part.lists, numbers, count, taken));
        }
        write_all(container, ordered, snapshots);
        return Status::kOk;
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
}

}  // namespace llm_cache
