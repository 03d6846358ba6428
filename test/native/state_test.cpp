// State files: what is written is read back, whatever is damaged is found, what cannot be written
// says so.
#include <cmath>
#include <map>

#include "state/file.hpp"
#include "state_support.hpp"

using namespace llm_cache_test;

namespace {

struct Answer {
    std::vector<uint32_t> ids;
    std::vector<float> products;
};

Answer ask(FlatIndex& index, uint32_t query, uint32_t partition) {
    Answer answer{std::vector<uint32_t>(10), std::vector<float>(10)};
    size_t count = 0;
    index.search(state_vector(query).data(), partition, 10, answer.ids.data(),
                 answer.products.data(), count);
    answer.ids.resize(count);
    answer.products.resize(count);
    return answer;
}

bool same(FlatIndex& a, FlatIndex& b, uint32_t queries) {
    for (uint32_t query = 0; query < queries; ++query) {
        const Answer one = ask(a, query, query % 8);
        const Answer two = ask(b, query, query % 8);
        if (one.ids != two.ids || one.products != two.products) return false;
    }
    return true;
}

}  // namespace

LLM_CACHE_TEST("an index over a file answers and changes as one that was filled") {
    MemorySink sink;
    LLM_CACHE_CHECK(write_state(sink, 200) == Status::kOk);
    Names names;
    Status status;
    auto loaded = load_state(aligned(sink.bytes.data(), sink.bytes.size()), sink.bytes.size(),
                             names, status, kStateBudget * 4);
    LLM_CACHE_CHECK(loaded != nullptr && loaded->size() == 200 && names.size() == 200);
    if (loaded == nullptr) return;
    auto filled = FlatIndex::create(*available_kernels().front(), kStateDimension, status);
    bool is_new = false;
    for (uint32_t id = 0; id < 200; ++id) filled->set(id, id / 30, state_vector(id).data(), is_new);
    LLM_CACHE_CHECK(same(*loaded, *filled, 100));
    LLM_CACHE_CHECK(loaded->bytes() < filled->bytes());
    for (uint32_t id = 0; id < 200; ++id) {
        const std::string name = state_name(id);
        LLM_CACHE_CHECK(names.find(reinterpret_cast<const uint8_t*>(name.data()), name.size()) ==
                        id);
    }
    LLM_CACHE_CHECK(names.find(reinterpret_cast<const uint8_t*>("name"), 4) == 200);
    Random random(seed());
    for (int step = 0; step < 2000; ++step) {
        const uint32_t id = static_cast<uint32_t>(below(random, 300));
        if (below(random, 2) == 0) {
            bool from_loaded = false;
            bool from_filled = false;
            LLM_CACHE_CHECK(loaded->remove(id, from_loaded) == filled->remove(id, from_filled));
            LLM_CACHE_CHECK(from_loaded == from_filled);
        } else {
            const uint32_t partition = static_cast<uint32_t>(below(random, 8));
            const std::vector<float> vector = state_vector(static_cast<uint32_t>(random()));
            loaded->set(id, partition, vector.data(), is_new);
            filled->set(id, partition, vector.data(), is_new);
        }
        if (step % 100 == 0) LLM_CACHE_CHECK(same(*loaded, *filled, 16));
    }
    LLM_CACHE_CHECK(same(*loaded, *filled, 100) && loaded->size() == filled->size());
    loaded->clear();
    LLM_CACHE_CHECK(loaded->size() == 0);
}

LLM_CACHE_TEST("every truncation and every flipped bit of a file is found") {
    MemorySink sink;
    write_state(sink, 40);
    const std::vector<uint8_t>& good = sink.bytes;
    Names names;
    Status status;
    for (size_t length = 1; length < good.size(); ++length) {
        if (length > kHeaderBytes && length % 7 != 0) continue;
        load_state(aligned(good.data(), length), length, names, status);
        LLM_CACHE_CHECK(status != Status::kOk);
    }
    const auto copy = aligned(good.data(), good.size());
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
        // The fields of the header all, of zeros and rows some.
        if (bit > 2048 && bit % 11 != 0) continue;
        copy.get()[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        load_state(copy, good.size(), names, status);
        LLM_CACHE_CHECK(status != Status::kOk);
        copy.get()[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
    load_state(copy, good.size(), names, status);
    LLM_CACHE_CHECK(status == Status::kOk);
}

LLM_CACHE_TEST("a file beyond the budget is not loaded") {
    MemorySink sink;
    write_state(sink, 40);
    Names names;
    Status status;
    const auto bytes = aligned(sink.bytes.data(), sink.bytes.size());
    load_state(bytes, sink.bytes.size(), names, status, sink.bytes.size() - 1);
    LLM_CACHE_CHECK(status == Status::kOverBudget);
}

LLM_CACHE_TEST("a sink that fails at any time is told, rows that are none are refused") {
    MemorySink whole;
    write_state(whole, 40);
    for (size_t room = 0; room < whole.bytes.size(); room += 512) {
        MemorySink sink;
        sink.bytes.resize(kHeaderBytes);
        sink.room = room;
        LLM_CACHE_CHECK(write_state(sink, 40) == Status::kNotWritten);
    }
    MemorySink sink;
    FlatStateWriter writer(sink, kStateDimension);
    std::vector<float> vector = state_vector(1);
    LLM_CACHE_CHECK(writer.add(kReservedNumber, 0, vector.data()) == Status::kReservedNumber);
    vector[3] = std::nanf("");
    LLM_CACHE_CHECK(writer.add(1, 0, vector.data()) == Status::kNotFinite);
    LLM_CACHE_CHECK(writer.rows() == 0);
    NamesWriter names;
    const uint8_t name[] = {1, 2};
    LLM_CACHE_CHECK(names.add(name, 2) == Status::kOk);
    LLM_CACHE_CHECK(names.add(name, 2) == Status::kReservedNumber);
    LLM_CACHE_CHECK(names.add(name, 1) == Status::kReservedNumber);
}

LLM_CACHE_TEST("a file is written aside by one at a time, and mapped under its name") {
    const char* folder = std::getenv("TMPDIR");
    const std::string base = std::string(folder == nullptr ? "/tmp" : folder) +
                             "/llm-cache-state-" + std::to_string(std::random_device{}());
    Status status;
    auto sink = FileSink::create(base + ".new", status);
    LLM_CACHE_CHECK(sink != nullptr);
    if (sink == nullptr) return;
    LLM_CACHE_CHECK(FileSink::create(base + ".new", status) == nullptr);
    LLM_CACHE_CHECK(status == Status::kTaken);
    LLM_CACHE_CHECK(write_state(*sink, 100) == Status::kOk);
    size_t length = 0;
    LLM_CACHE_CHECK(map_file(base, length, status) == nullptr && status == Status::kNotRead);
    LLM_CACHE_CHECK(sink->commit(base) == Status::kOk);
    sink.reset();
    LLM_CACHE_CHECK(map_file(base + ".new", length, status) == nullptr);
    const auto bytes = map_file(base, length, status);
    Names names;
    auto index = load_state(bytes, length, names, status, kStateBudget * 4);
    LLM_CACHE_CHECK(index != nullptr && index->size() == 100);
    // What one index changes is its own: another one over the same file does not see it.
    bool removed = false;
    if (index != nullptr) index->remove(3, removed);
    const auto again = map_file(base, length, status);
    auto other = load_state(again, length, names, status, kStateBudget * 4);
    LLM_CACHE_CHECK(other != nullptr && other->has(3));
    // One that is given up leaves nothing.
    FileSink::create(base + ".new", status).reset();
    LLM_CACHE_CHECK(map_file(base + ".new", length, status) == nullptr);
    std::remove(base.c_str());
}

LLM_CACHE_TEST(
    "lists come back from a file with their rows, their history and the names without any") {
    for (const Rescore rescore : {Rescore::kNone, Rescore::kInt8, Rescore::kFloat16}) {
        IvfPart first = state_lists(4, Rescore::kInt8, 10, 60);
        IvfPart second = state_lists(2, rescore, 70, 40);
        second.history = {33, 44, 0.5};
        MemorySink sink;
        LLM_CACHE_CHECK(write_state(sink, 10, {first, second}) == Status::kOk);
        const auto bytes = aligned(sink.bytes.data(), sink.bytes.size());
        IvfFile file;
        LLM_CACHE_CHECK(load_lists(bytes, sink.bytes.size(), file, ~uint64_t{}) == Status::kOk);
        LLM_CACHE_CHECK(file.flat.index->size() == 10 && file.parts.size() == 2);
        if (file.parts.size() != 2) return;
        LLM_CACHE_CHECK(file.parts[0].partition == 2 && file.parts[1].partition == 4);
        LLM_CACHE_CHECK(file.parts[0].history.learnt == 33 && file.parts[0].history.since == 44 &&
                        file.parts[0].history.recent_error == 0.5);
        LLM_CACHE_CHECK(file.parts[1].history.recent_error < 0);
        LLM_CACHE_CHECK(file.vacant == std::vector<uint32_t>{110});
        IvfScratch scratch;
        std::vector<float> was(kStateDimension);
        std::vector<float> is(kStateDimension);
        const auto same = [&](IvfLists& lists, IvfLists& loaded, uint32_t from, uint32_t end) {
            LLM_CACHE_CHECK(loaded.size() == end - from);
            for (uint32_t id = from; id < end; ++id) {
                LLM_CACHE_CHECK(lists.read(id, scratch, was.data()) &&
                                loaded.read(id, scratch, is.data()) && was == is);
            }
        };
        same(*first.lists, *file.parts[1].lists, 10, 70);
        same(*second.lists, *file.parts[0].lists, 70, 110);
        // The lists keep the memory they lie in.
        const std::shared_ptr<IvfLists> kept = file.parts[1].lists;
        file = {};
        same(*first.lists, *kept, 10, 70);
    }
}

LLM_CACHE_TEST(
    "lists whose ids are others' rows, or no names, or whose partition is known, are refused") {
    const auto refused = [](uint32_t flat, const std::vector<IvfPart>& parts, size_t cut) {
        MemorySink sink;
        write_state(sink, flat, parts);
        const size_t length = sink.bytes.size() - cut;
        const auto bytes = aligned(sink.bytes.data(), length);
        IvfFile file;
        return load_lists(bytes, length, file, ~uint64_t{}) == Status::kDamaged;
    };
    LLM_CACHE_CHECK(!refused(10, {state_lists(1, Rescore::kInt8, 10, 40)}, 0));
    LLM_CACHE_CHECK(refused(10, {state_lists(1, Rescore::kInt8, 10, 40)}, 64));
    LLM_CACHE_CHECK(refused(10, {state_lists(0, Rescore::kInt8, 10, 40)}, 0));
    LLM_CACHE_CHECK(refused(10, {state_lists(1, Rescore::kInt8, 9, 40)}, 0));
    LLM_CACHE_CHECK(refused(
        10, {state_lists(1, Rescore::kInt8, 10, 40), state_lists(1, Rescore::kInt8, 50, 40)}, 0));
}
