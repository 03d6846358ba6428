// The class StateWriter of the exports: the file of an index that FlatIndex.map and IvfIndex.map
// read.
#include <cstdio>
#include <new>
#include <string>

#include "../state/file.hpp"
#include "../state/flat_state.hpp"
#include "../state/ivf_state.hpp"
#include "addon.hpp"
#include "arguments.hpp"
#include "errors.hpp"
#include "ivf_index.hpp"
#include "outcome.hpp"

namespace llm_cache {
namespace {

// What is being written; a commit under way holds it too.
struct Writing {
    Writing(std::unique_ptr<FileSink> given, size_t dimension)
        : sink(std::move(given)), rows(*sink, dimension) {}

    std::unique_ptr<FileSink> sink;
    FlatStateWriter rows;
    NamesWriter names;
    size_t name_count = 0;
    // Of partitions in lists, and the name's number of each id in them.
    std::vector<IvfPart> parts;
    std::vector<uint32_t> numbers;
};

// Ends the file off the event loop: lists are written here, and a flush may take seconds.
class CommitWorker : public Napi::AsyncWorker {
  public:
    CommitWorker(Napi::Env env, std::unique_ptr<Writing> writing, std::string name)
        : Napi::AsyncWorker(env, "llm_cache.StateWriter.commit"),
          writing_(std::move(writing)),
          name_(std::move(name)),
          outcome_(env, "StateWriter.commit failed") {}

    Napi::Promise promise() const { return outcome_.promise(); }

    void Execute() override {
        ContainerWriter& container = writing_->rows.container();
        writing_->rows.finish_rows();
        writing_->names.write(container);
        status_ = write_lists(container, writing_->parts, writing_->numbers.data(),
                              writing_->numbers.size(), writing_->name_count);
        if (status_ == Status::kOk) status_ = container.finish();
        if (status_ == Status::kOk) status_ = writing_->sink->commit(name_);
    }

    void OnOK() override {
        if (status_ != Status::kOk) return outcome_.reject(status_);
        const ContainerWriter& container = writing_->rows.container();
        char digits[17];
        std::snprintf(digits, sizeof digits, "%016llx",
                      static_cast<unsigned long long>(container.checksum()));
        Napi::Object result = Napi::Object::New(Env());
        result.Set("bytes", static_cast<double>(container.bytes()));
        result.Set("checksum", digits);
        outcome_.resolve(result);
    }

  private:
    std::unique_ptr<Writing> writing_;
    std::string name_;
    Status status_ = Status::kOk;
    Outcome outcome_;
};

class JsStateWriter : public Napi::ObjectWrap<JsStateWriter> {
  public:
    using Self = JsStateWriter;

    static Napi::Function define(Napi::Env env) {
        return DefineClass(env, "StateWriter",
                           {
                               InstanceMethod<&Self::JsAdd>("add", napi_default_method),
                               InstanceMethod<&Self::JsAddName>("addName", napi_default_method),
                               InstanceMethod<&Self::JsCommit>("commit", napi_default_method),
                               InstanceMethod<&Self::JsAbort>("abort", napi_default_method),
                           });
    }

    explicit JsStateWriter(const Napi::CallbackInfo& info) : Napi::ObjectWrap<JsStateWriter>(info) {
        const Napi::Env env = info.Env();
        uint32_t dimension = 0;
        Status status = Status::kOutOfMemory;
        try {
            std::string path;
            if (!get_path(env, info[0], "path", path) ||
                !get_uint32(env, info[1], "dimension", 1, dimension)) {
                return;
            }
            status = Status::kDimensionOutOfRange;
            if (dimension <= kGreatestDimension) {
                auto sink = FileSink::create(path, status);
                if (sink != nullptr) {
                    writing_ = std::make_unique<Writing>(std::move(sink), dimension);
                }
            }
        } catch (const std::bad_alloc&) {
            status = Status::kOutOfMemory;
        }
        if (writing_ == nullptr) throw_status(env, status);
    }

  private:
    Napi::Value JsAdd(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        uint32_t partition = 0;
        Span<uint8_t> name;
        Span<float> vector;
        if (!check_open(env) || !get_uint32(env, info[0], "partition", 0, partition) ||
            !get_bytes(env, info[1], "name", name) || !get_floats(env, info[2], "vector", vector) ||
            !check_length(env, "vector", writing_->rows.dimension(), vector.length)) {
            return {};
        }
        const uint32_t id = static_cast<uint32_t>(writing_->name_count);
        const Status status = writing_->rows.add(id, partition, vector.data);
        if (status != Status::kOk) {
            throw_status(env, status);
            return {};
        }
        return add_name(env, name);
    }

    Napi::Value JsAddName(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<uint8_t> name;
        if (!check_open(env) || !get_bytes(env, info[0], "name", name)) return {};
        return add_name(env, name);
    }

    Napi::Value add_name(Napi::Env env, const Span<uint8_t>& name) {
        const Status status = writing_->names.add(name.data, name.length);
        if (status == Status::kOk) {
            ++writing_->name_count;
        } else {
            // A row without its name would be another's.
            writing_.reset();
            throw_status(env, status);
        }
        return env.Undefined();
    }

    Napi::Value JsCommit(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        try {
            std::string name;
            if (!check_open(env) || !get_path(env, info[0], "name", name) ||
                (info.Length() > 1 && !take_lists(info))) {
                return {};
            }
            auto* worker = new CommitWorker(env, std::move(writing_), std::move(name));
            const Napi::Promise promise = worker->promise();
            worker->Queue();
            return promise;
        } catch (const std::bad_alloc&) {
            throw_status(env, Status::kOutOfMemory);
            return {};
        }
    }

    // The arguments partitions, lists and numbers.
    bool take_lists(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        Span<uint32_t> partitions;
        Span<uint32_t> numbers;
        if (!get_words(env, info[1], "partitions", partitions) ||
            !get_words(env, info[3], "numbers", numbers)) {
            return false;
        }
        std::vector<uint32_t> own(numbers.data, numbers.data + numbers.length);
        std::vector<IvfPart> parts(partitions.length);
        for (uint32_t i = 0; i < parts.size(); ++i) parts[i].partition = partitions.data[i];
        // From here on the arrays may change: an element may be what a getter gives.
        for (uint32_t i = 0; i < parts.size(); ++i) {
            const Napi::Value one =
                info[2].IsObject() ? info[2].As<Napi::Object>().Get(i) : env.Undefined();
            if (env.IsExceptionPending() || !get_part(env, one, parts[i])) return false;
        }
        // A getter may have ended this file.
        if (!check_open(env)) return false;
        writing_->parts = std::move(parts);
        writing_->numbers = std::move(own);
        return true;
    }

    Napi::Value JsAbort(const Napi::CallbackInfo& info) {
        writing_.reset();
        return info.Env().Undefined();
    }

    bool check_open(Napi::Env env) const {
        if (writing_ != nullptr) return true;
        throw_error(env, kArgumentCode, "the file was committed or given up");
        return false;
    }

    std::unique_ptr<Writing> writing_;
};

}  // namespace

void export_state_writer(Napi::Env env, Napi::Object exports) {
    exports.Set("StateWriter", JsStateWriter::define(env));
}

}  // namespace llm_cache
