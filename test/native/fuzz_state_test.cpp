// Hostile state files: mutated, signed anew, loaded, searched and changed; nothing may go out of
// bounds or beyond the budget. LLM_CACHE_FUZZ says how many.
#include <algorithm>
#include <cstdlib>
#include <new>

#include "allocation.hpp"
#include "state_support.hpp"

using namespace llm_cache_test;

namespace {

size_t g_allocated = 0;

}  // namespace

void before_allocation(std::size_t size) { g_allocated += size; }

namespace {

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
    for (size_t changes = 1 + below(random, 4); changes > 0; --changes) {
        switch (below(random, 8)) {
            case 0:
                put_number(random, file.data(), 0, offsetof(HeaderRecord, sections));
                break;
            case 1:
                put_number(random, file.data(), offsetof(HeaderRecord, sections),
                           offsetof(HeaderRecord, sections) + 5 * sizeof(SectionRecord));
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
                const SectionRecord& one = header.sections[below(random, 4)];
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

}  // namespace

LLM_CACHE_TEST("a mutated and signed file is refused or makes an index that works") {
    const char* wanted = std::getenv("LLM_CACHE_FUZZ");
    const size_t runs = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 100000;
    MemorySink golden;
    write_state(golden, 40);
    Random random(seed());
    size_t loaded = 0;
    size_t damaged = 0;
    for (size_t run = 0; run < runs; ++run) {
        std::vector<uint8_t> file = golden.bytes;
        mutate(random, file);
        sign(random, file);
        const auto bytes = aligned(file.data(), file.size());
        const size_t before = g_allocated;
        Names names;
        Status status = Status::kOk;
        auto index = load_state(bytes, file.size(), names, status);
        LLM_CACHE_CHECK(g_allocated - before <= kStateBudget);
        LLM_CACHE_CHECK((index != nullptr) == (status == Status::kOk));
        ++(index != nullptr ? loaded : damaged);
        if (index != nullptr) use(*index, names, random);
    }
    std::printf("%zu loaded, %zu refused\n", loaded, damaged);
    LLM_CACHE_CHECK(loaded > runs / 50 && damaged > runs / 50);
}
