// Lists to sections, and sections to lists: no number of a file is used before it is checked.
#include "ivf_state.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "../ivfpq_state.hpp"

namespace llm_cache {
namespace {

constexpr uint32_t kListsTag = tag_of("LIST");
constexpr uint32_t kCentroidsTag = tag_of("CENT");
constexpr uint32_t kCodebooksTag = tag_of("BOOK");
constexpr uint32_t kRotationsTag = tag_of("ROTA");
constexpr uint32_t kLengthsTag = tag_of("LENS");
constexpr uint32_t kIdsTag = tag_of("LIDS");
constexpr uint32_t kListPartitionsTag = tag_of("LPAR");
constexpr uint32_t kScalesTag = tag_of("SCAL");
constexpr uint32_t kCodesTag = tag_of("CODE");
constexpr uint32_t kKeptTag = tag_of("KEPT");

// Of a partition in LIST; numbers of floating point by their bits.
enum Word : size_t {
    kPartition,
    kRows,
    kLists,
    kParts,
    kBits,
    kRescore,
    kRotated,
    kError,
    kLearnt,
    kSince,
    kRecentError,
    kListWords,
};

constexpr uint64_t kGreatestWord = kReservedNumber - 1;

// What lists take beside the file at most: a quantiser's packed copy of a number, with what it is
// packed from; a list, its table; a block and its entry; 64 neighbouring ids, with their part of a
// growing hash table; a part.
constexpr uint64_t kNumberCost = 3 * sizeof(float);
constexpr uint64_t kListCost = 128;
constexpr uint64_t kBlockCost = 192;
constexpr uint64_t kIdsCost = 512;
constexpr uint64_t kIdsTogether = 64;
constexpr uint64_t kPartCost = 4096;

template <typename To, typename From>
To bits_of(From value) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

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

size_t rotation_length(const IvfStateHead& head) {
    return head.rotated ? head.shape.dimension * head.shape.dimension : 0;
}

void write_all(ContainerWriter& container, const std::vector<IvfPart>& parts,
               const std::vector<std::unique_ptr<IvfSnapshot>>& snapshots) {
    container.begin(kListsTag, Element::kUint64);
    for (size_t i = 0; i < parts.size(); ++i) {
        const IvfStateHead head = snapshots[i]->head();
        const IvfHistory& history = parts[i].history;
        uint64_t words[kListWords];
        words[kPartition] = parts[i].partition;
        words[kRows] = head.rows;
        words[kLists] = head.shape.nlist;
        words[kParts] = head.shape.m;
        words[kBits] = head.shape.nbits;
        words[kRescore] = static_cast<uint64_t>(head.rescore);
        words[kRotated] = head.rotated ? 1 : 0;
        words[kError] = bits_of<uint32_t>(head.error);
        words[kLearnt] = std::min<uint64_t>(history.learnt, kGreatestWord);
        words[kSince] = std::min<uint64_t>(history.since, kGreatestWord);
        words[kRecentError] = bits_of<uint64_t>(history.recent_error);
        container.add(words, kListWords);
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

// What of a section was not given out yet.
template <typename T>
struct Rest {
    StateSpan<T> span;

    bool find(const ContainerReader& reader, uint32_t tag) {
        return reader.find(tag, span) == Status::kOk;
    }
    // False where there are not so many left.
    bool take(uint64_t count, const T*& out, size_t& taken) {
        if (count > span.count) return false;
        out = span.data;
        taken = static_cast<size_t>(count);
        span.data += taken;
        span.count -= taken;
        return true;
    }
};

struct Sections {
    Rest<uint64_t> lists;
    Rest<float> centroids, codebooks, rotations, scales;
    Rest<uint32_t> lengths, ids, partitions;
    Rest<uint8_t> codes, kept;

    bool find(const ContainerReader& reader) {
        return lists.find(reader, kListsTag) && centroids.find(reader, kCentroidsTag) &&
               codebooks.find(reader, kCodebooksTag) && rotations.find(reader, kRotationsTag) &&
               lengths.find(reader, kLengthsTag) && ids.find(reader, kIdsTag) &&
               partitions.find(reader, kListPartitionsTag) && scales.find(reader, kScalesTag) &&
               codes.find(reader, kCodesTag) && kept.find(reader, kKeptTag);
    }
    bool used_up() const {
        return lists.span.count + centroids.span.count + codebooks.span.count +
                   rotations.span.count + lengths.span.count + ids.span.count +
                   partitions.span.count + scales.span.count + codes.span.count + kept.span.count ==
               0;
    }
};

// The next partition's arrays. Every product is bounded: the shape is one that IvfQuantiser takes,
// and rows are as many as there are ids.
bool take_state(Sections& from, const uint64_t* words, IvfState& state) {
    const IvfShape& shape = state.head.shape;
    size_t* counts = state.counts;
    const uint64_t rows = words[kRows];
    if (!from.centroids.take(shape.nlist * shape.dimension, state.centroids, counts[0]) ||
        !from.codebooks.take(shape.pq().codebook_length(), state.codebooks, counts[1]) ||
        !from.rotations.take(rotation_length(state.head), state.rotation, counts[2]) ||
        !from.lengths.take(shape.nlist, state.lengths, counts[3]) ||
        !from.ids.take(rows, state.ids, counts[4]) ||
        !from.partitions.take(rows, state.partitions, counts[5]) ||
        !from.scales.take(rows, state.scales, counts[6])) {
        return false;
    }
    uint64_t blocks = 0;
    for (size_t i = 0; i < shape.nlist; ++i) blocks += code_blocks(state.lengths[i]);
    const RowFormat format = {state.head.rescore, shape.dimension};
    state.head.rows = static_cast<size_t>(rows);
    return from.codes.take(blocks * shape.pq().block_bytes(), state.codes, counts[7]) &&
           from.kept.take(rows * format.bytes(), state.kept, counts[8]);
}

uint64_t cost_of(const IvfState& state, uint64_t names) {
    const IvfShape& shape = state.head.shape;
    const auto padded = [](uint64_t count) { return centroid_blocks(count) * kBlockCentroids; };
    const uint64_t rotation = state.head.rotated ? padded(shape.dimension) : 0;
    const uint64_t numbers = (padded(shape.nlist) + rotation) * (shape.dimension + 1) +
                             shape.pq().codebook_length() + shape.pq().table_length();
    uint64_t blocks = 0;
    for (size_t i = 0; i < shape.nlist; ++i) blocks += code_blocks(state.lengths[i]);
    const uint64_t pages = std::min<uint64_t>(state.head.rows, names / kIdsTogether + 1);
    return kPartCost + numbers * kNumberCost + shape.nlist * kListCost + blocks * kBlockCost +
           pages * kIdsCost;
}

// Lists, and the memory that they lie in.
struct Grounded {
    std::shared_ptr<uint8_t> ground;
    std::unique_ptr<IvfLists> lists;
};

Status adopt_part(const Kernels& kernels, const uint64_t* words, const IvfState& state,
                  std::vector<bool>& has_row, IvfFile& file) {
    const uint32_t partition = static_cast<uint32_t>(words[kPartition]);
    for (size_t i = 0; i < state.head.rows; ++i) {
        const uint32_t id = state.ids[i];
        if (id >= has_row.size() || has_row[id] || state.partitions[i] != 0) {
            return Status::kDamaged;
        }
        has_row[id] = true;
    }
    Status status = Status::kOk;
    auto held = std::make_shared<Grounded>();
    held->ground = file.flat.ground;
    held->lists = IvfLists::import_state(kernels, state, status);
    if (held->lists == nullptr) return status;
    IvfHistory history;
    history.learnt = words[kLearnt];
    history.since = words[kSince];
    history.recent_error = bits_of<double>(words[kRecentError]);
    file.parts.push_back({partition, {held, held->lists.get()}, history});
    return Status::kOk;
}

// Whether a partition's words are of lists that can be.
bool read_head(const uint64_t* words, size_t dimension, IvfStateHead& head) {
    for (const Word word : {kPartition, kRows, kLists, kParts, kBits, kError, kLearnt, kSince}) {
        if (words[word] > kGreatestWord) return false;
    }
    if (words[kRescore] > static_cast<uint64_t>(Rescore::kFloat16) || words[kRotated] > 1) {
        return false;
    }
    head.shape = {dimension, static_cast<size_t>(words[kLists]), static_cast<size_t>(words[kParts]),
                  static_cast<size_t>(words[kBits])};
    head.rescore = static_cast<Rescore>(words[kRescore]);
    head.rotated = words[kRotated] == 1;
    head.error = bits_of<float>(static_cast<uint32_t>(words[kError]));
    head.rows = 0;
    // Not a number fails this too.
    const bool is_error = bits_of<double>(words[kRecentError]) < 1e300;
    return is_error && IvfQuantiser::check(head.shape) == Status::kOk;
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

Status adopt_lists(const Kernels& kernels, const ContainerReader& reader, uint64_t budget,
                   IvfFile& file) {
    Sections from;
    if (!from.find(reader) || from.lists.span.count % kListWords != 0) return Status::kDamaged;
    const size_t dimension = file.flat.index->dimension();
    const size_t names = file.flat.names.size();
    const uint64_t kBitsCost = names / 4 + kPartCost;
    if (kBitsCost + names * sizeof(uint32_t) > budget) return Status::kOverBudget;
    uint64_t cost = kBitsCost;
    try {
        std::vector<bool> has_row(names);
        for (uint32_t id = 0; id < names; ++id) has_row[id] = file.flat.index->has(id);
        file.parts.reserve(from.lists.span.count / kListWords);
        const uint64_t* words = nullptr;
        size_t taken = 0;
        while (from.lists.take(kListWords, words, taken)) {
            IvfState state = {};
            if (!read_head(words, dimension, state.head) || !take_state(from, words, state)) {
                return Status::kDamaged;
            }
            cost += cost_of(state, names);
            if (cost > budget) return Status::kOverBudget;
            const uint32_t partition = static_cast<uint32_t>(words[kPartition]);
            const bool ascends = file.parts.empty() || file.parts.back().partition < partition;
            if (!ascends || file.flat.index->partition_size(partition) > 0) {
                return Status::kDamaged;
            }
            const Status status = adopt_part(kernels, words, state, has_row, file);
            if (status != Status::kOk) return status;
        }
        if (!from.used_up()) return Status::kDamaged;
        size_t vacant = 0;
        for (uint32_t id = 0; id < names; ++id) vacant += has_row[id] ? 0 : 1;
        file.vacant.reserve(vacant);
        for (uint32_t id = 0; id < names; ++id) {
            if (!has_row[id]) file.vacant.push_back(id);
        }
        return Status::kOk;
    } catch (const std::bad_alloc&) {
        return Status::kOutOfMemory;
    }
}

Status open_ivf_file(const Kernels& kernels, const std::string& path, size_t dimension,
                     uint64_t checksum, IvfFile& file) {
    constexpr uint64_t kUnbounded = ~uint64_t{};
    ContainerReader reader;
    const Status status = open_rows(kernels, path, dimension, checksum, file.flat, reader);
    // What is allocated besides is in proportion to the rows that the file really has.
    return status == Status::kOk ? adopt_lists(kernels, reader, kUnbounded, file) : status;
}

}  // namespace llm_cache
