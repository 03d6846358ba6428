// Hostile state files: mutated, signed anew, loaded, searched and changed; nothing may go out of
// bounds or beyond the budget. LLM_CACHE_FUZZ says how many.
#include <algorithm>
#include <cstdlib>
#include <new>

#include "allocation.hpp"
#include "ivfpq_search.hpp"
#include "state_support.hpp"

using namespace llm_cache_test;

namespace {

size_t g_allocated = 0;
// By one load.
size_t g_most = 0;

}  // namespace

void before_allocation(std::size_t size) { g_allocated += size; }

namespace {

constexpr uint64_t kListsBudget = uint64_t{1} << 17;

struct Measured {
    const size_t before = g_allocated;
    void end() const { g_most = std::max(g_most, g_allocated - before); }
};

uint64_t odd_number(Random& random) {
    constexpr uint64_t kOdd[] = {0,          1,           2,          15,
                                 16,         17,          63,         64,
                                 0x7f800000, 0x7fc00000,  0xff800000, 0x7f7fffff,
                                 0xffffffff, 0xfffffffe,  0x80000000, 1ull << 32,
                                 1ull << 62, ~uint64_t{}, 1ull << 63, 0x7fffffffffffffff};
    return random() % 3 == 0 ? random() >> random() % 64 : kOdd[below(random, std::size(kOdd))];
}

void put_number(Random& random, uint8_t* bytes, size_t from, size_t end) {
    const size_t width = size_t{1} << below(random, 4);
    if (end - from < width) return;
    const size_t at = from + below(random, (end - from) / width) * width;
    uint64_t value = odd_number(random);
    if (random() % 4 == 0) {
        std::memcpy(&value, bytes + at, width);
        value += random() % 5 - 2;
    }
    std::memcpy(bytes + at, &value, width);
}

void mutate(Random& random, std::vector<uint8_t>& file) {
    HeaderRecord header;
    std::memcpy(&header, file.data(), sizeof header);
    const size_t sections = header.section_count;
    for (size_t changes = 1 + below(random, 4); changes > 0; --changes) {
        switch (below(random, 8)) {
            case 0:
                put_number(random, file.data(), 0, offsetof(HeaderRecord, sections));
                break;
            case 1:
                put_number(
                    random, file.data(), offsetof(HeaderRecord, sections),
                    offsetof(HeaderRecord, sections) + (sections + 1) * sizeof(SectionRecord));
                break;
            case 2:
                file[below(random, file.size())] ^= static_cast<uint8_t>(1 << below(random, 8));
                break;
            case 3:
                if (random() % 8 == 0 && file.size() > kHeaderBytes + 64) {
                    file.resize(kHeaderBytes + below(random, file.size() - kHeaderBytes) / 64 * 64);
                }
                break;
            default: {
                // The small sections as often as the great one.
                const SectionRecord& one = header.sections[below(random, sections)];
                const size_t from = std::min<size_t>(one.offset, file.size());
                const size_t bytes = one.count * element_bytes(one.element);
                put_number(random, file.data(), from, std::min(from + bytes, file.size()));
            }
        }
    }
}

// As somebody would who wants the file to be taken.
void sign(Random& random, std::vector<uint8_t>& file) {
    HeaderRecord header;
    std::memcpy(&header, file.data(), sizeof header);
    if (random() % 8 != 0) header.bytes = file.size();
    for (SectionRecord& one : header.sections) {
        const size_t size = element_bytes(one.element);
        if (size == 0 || one.offset > file.size() || one.count > file.size() / size) continue;
        const size_t bytes = (one.count * size + 63) / 64 * 64;
        if (bytes > file.size() - one.offset) continue;
        one.checksum = checksum_of(file.data() + one.offset, bytes);
    }
    std::memcpy(file.data(), &header, sizeof header);
    header.checksum = header_checksum(file.data());
    std::memcpy(file.data(), &header, sizeof header);
}

void use(FlatIndex& index, const Names& names, Random& random) {
    const size_t dimension = index.dimension();
    std::vector<float> query(dimension);
    for (float& x : query) x = gaussian(random);
    uint32_t ids[8];
    float products[8];
    for (uint32_t partition = 0; partition < 3; ++partition) {
        size_t count = 0;
        index.search(query.data(), partition, 8, ids, products, count);
        LLM_CACHE_CHECK(count <= std::min<size_t>(8, index.partition_size(partition)));
        for (size_t i = 0; i < count; ++i) LLM_CACHE_CHECK(index.has(ids[i]));
    }
    bool is_new = false;
    for (uint32_t id = 0; id < 40; id += 7) {
        bool removed = false;
        index.remove(id, removed);
        index.set(id + 3, id % 3, query.data(), is_new);
    }
    for (size_t i = 0; i < names.size(); i += 5) {
        size_t length = 0;
        const uint8_t* name = names.at(i, length);
        LLM_CACHE_CHECK(names.find(name, length) == i);
    }
}

size_t runs() {
    const char* wanted = std::getenv("LLM_CACHE_FUZZ");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 100000;
}

// Loads so many mutations of a file by load(bytes, length, random), which tells whether it took it.
template <typename Load>
void fuzz(const std::vector<uint8_t>& golden, uint64_t budget, const Load& load) {
    Random random(seed());
    const size_t wanted = runs();
    size_t loaded = 0;
    for (size_t run = 0; run < wanted; ++run) {
        std::vector<uint8_t> file = golden;
        mutate(random, file);
        sign(random, file);
        if (load(aligned(file.data(), file.size()), file.size(), random)) ++loaded;
    }
    std::printf("%zu loaded, %zu refused, %llu bytes at most\n", loaded, wanted - loaded,
                static_cast<unsigned long long>(g_most));
    LLM_CACHE_CHECK(g_most <= budget);
    LLM_CACHE_CHECK(loaded > wanted / 50 && wanted - loaded > wanted / 50);
}

void use(IvfFile& file, Random& random) {
    use(*file.flat.index, file.flat.names, random);
    std::vector<float> query(kStateDimension);
    for (float& x : query) x = gaussian(random);
    IvfSearch search;
    IvfScratch scratch;
    std::vector<float> row(kStateDimension);
    for (IvfPart& part : file.parts) {
        IvfLists& lists = *part.lists;
        LLM_CACHE_CHECK(lists.search({query.data(), 0, 8, 3, 20, {}}, search) == Status::kOk);
        LLM_CACHE_CHECK(search.hits.size() <= std::min<size_t>(8, lists.size()));
        for (const IvfHit& hit : search.hits) {
            LLM_CACHE_CHECK(lists.read(hit.id, scratch, row.data()));
            if (hit.id % 3 == 0) lists.remove(hit.id);
        }
        IvfBatch batch = batch_of(lists, 1000, query);
        insert_all(lists, batch);
        LLM_CACHE_CHECK(lists.remove(1000));
    }
}

}  // namespace

LLM_CACHE_TEST("a mutated and signed file is refused or makes an index that works") {
    MemorySink golden;
    write_state(golden, 40);
    g_most = 0;
    fuzz(golden.bytes, kStateBudget,
         [](const std::shared_ptr<uint8_t>& bytes, size_t length, Random& random) {
             Names names;
             Status status = Status::kOk;
             Measured measured;
             auto index = load_state(bytes, length, names, status);
             measured.end();
             LLM_CACHE_CHECK((index != nullptr) == (status == Status::kOk));
             if (index != nullptr) use(*index, names, random);
             return index != nullptr;
         });
}

LLM_CACHE_TEST("so is one with lists") {
    MemorySink golden;
    write_state(
        golden, 16,
        {state_lists(1, Rescore::kInt8, 16, 40), state_lists(2, Rescore::kFloat16, 56, 20)});
    g_most = 0;
    fuzz(golden.bytes, kListsBudget,
         [](const std::shared_ptr<uint8_t>& bytes, size_t length, Random& random) {
             IvfFile file;
             Measured measured;
             const Status status = load_lists(bytes, length, file, kListsBudget);
             measured.end();
             if (status == Status::kOk) use(file, random);
             return status == Status::kOk;
         });
}

LLM_CACHE_TEST("what a load of lists takes is within the least budget that lets it through") {
    std::vector<IvfPart> scattered;
    for (uint32_t number = 0; number < 20; ++number) {
        scattered.push_back(state_lists(number + 1, Rescore::kInt8, 20 * number, 20));
        // One row is left, far from those of the others.
        for (uint32_t id = 20 * number + 1; id < 20 * number + 20; ++id) {
            scattered.back().lists->remove(id);
        }
    }
    const auto least = [](const std::vector<uint8_t>& golden) {
        const auto bytes = aligned(golden.data(), golden.size());
        // What adopt_lists takes of a budget.
        const auto taken = [&](uint64_t budget, Status& status) {
            IvfFile file;
            ContainerReader reader;
            status = reader.open(bytes.get(), golden.size(), kFlatKind, ~uint64_t{});
            file.flat.ground = bytes;
            file.flat.names.open(reader);
            const Kernels& kernels = *available_kernels().front();
            file.flat.index = FlatIndex::adopt(kernels, reader, bytes, ~uint64_t{}, status);
            const size_t before = g_allocated;
            status = adopt_lists(kernels, reader, budget, file);
            return g_allocated - before;
        };
        uint64_t low = 0;
        uint64_t high = uint64_t{1} << 30;
        Status status = Status::kOk;
        while (high - low > 1) {
            const uint64_t middle = (low + high) / 2;
            const size_t bytes_taken = taken(middle, status);
            LLM_CACHE_CHECK(bytes_taken <= middle);
            LLM_CACHE_CHECK(status == Status::kOk || status == Status::kOverBudget);
            (status == Status::kOk ? high : low) = middle;
        }
        std::printf("%zu bytes of the %zu that are reckoned with\n", taken(high, status),
                    static_cast<size_t>(high));
        LLM_CACHE_CHECK(status == Status::kOk);
    };
    MemorySink dense;
    write_state(
        dense, 16,
        {state_lists(1, Rescore::kInt8, 16, 400), state_lists(2, Rescore::kFloat16, 416, 200)});
    least(dense.bytes);
    MemorySink sparse;
    write_state(sparse, 0, scattered);
    least(sparse.bytes);
}
