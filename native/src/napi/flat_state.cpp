// The class FlatStateWriter of the exports: the file of an index that FlatIndex.map reads.
#include "../state/flat_state.hpp"

#include <cstdio>
#include <new>
#include <string>

#include "../state/file.hpp"
#include "addon.hpp"
#include "arguments.hpp"
#include "errors.hpp"

namespace llm_cache {
namespace {

// What is being written; a commit under way holds it too.
struct Writing {
    Writing(std::unique_ptr<FileSink> given, size_t dimension)
        : sink(std::move(given)), rows(*sink, dimension) {}

    std::unique_ptr<FileSink> sink;
    FlatStateWriter rows;
    NamesWriter names;
};

// Ends the file off the event loop: a flush may take seconds.
class CommitWorker : public Napi::AsyncWorker {
  public:
    CommitWorker(Napi::Env env, std::unique_ptr<Writing> writing, std::string name)
        : Napi::AsyncWorker(env, "llm_cache.FlatStateWriter.commit"),
          writing_(std::move(writing)),
          name_(std::move(name)),
          deferred_(Napi::Promise::Deferred::New(env)),
          error_(Napi::Persistent(Napi::Error::New(env, "commit failed").Value())) {}

    Napi::Promise promise() const { return deferred_.Promise(); }

    void Execute() override {
        ContainerWriter& container = writing_->rows.container();
        writing_->rows.finish_rows();
        writing_->names.write(container);
        status_ = container.finish();
        if (status_ == Status::kOk) status_ = writing_->sink->commit(name_);
    }

    void OnOK() override {
        if (status_ != Status::kOk) {
            const StatusText text = status_text(status_);
            Napi::Object error = error_.Value();
            error.Set("message", text.message);
            error.Set("code", text.code);
            deferred_.Reject(error);
            return;
        }
        const ContainerWriter& container = writing_->rows.container();
        char digits[17];
        std::snprintf(digits, sizeof digits, "%016llx",
                      static_cast<unsigned long long>(container.checksum()));
        Napi::Object result = Napi::Object::New(Env());
        result.Set("bytes", static_cast<double>(container.bytes()));
        result.Set("checksum", digits);
        deferred_.Resolve(result);
    }

  private:
    std::unique_ptr<Writing> writing_;
    std::string name_;
    Status status_ = Status::kOk;
    Napi::Promise::Deferred deferred_;
    Napi::ObjectReference error_;
};

class JsFlatStateWriter : public Napi::ObjectWrap<JsFlatStateWriter> {
  public:
    using Self = JsFlatStateWriter;

    static Napi::Function define(Napi::Env env) {
        return DefineClass(env, "FlatStateWriter",
                           {
                               InstanceMethod<&Self::JsAdd>("add", napi_default_method),
                               InstanceMethod<&Self::JsCommit>("commit", napi_default_method),
                               InstanceMethod<&Self::JsAbort>("abort", napi_default_method),
                           });
    }

    explicit JsFlatStateWriter(const Napi::CallbackInfo& info)
        : Napi::ObjectWrap<JsFlatStateWriter>(info) {
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
        const uint32_t id = static_cast<uint32_t>(writing_->rows.rows());
        Status status = writing_->rows.add(id, partition, vector.data);
        if (status == Status::kOk) {
            status = writing_->names.add(name.data, name.length);
            // A row without its name would be another's.
            if (status != Status::kOk) writing_.reset();
        }
        if (status != Status::kOk) throw_status(env, status);
        return env.Undefined();
    }

    Napi::Value JsCommit(const Napi::CallbackInfo& info) {
        const Napi::Env env = info.Env();
        try {
            std::string name;
            if (!check_open(env) || !get_path(env, info[0], "name", name)) return {};
            auto* worker = new CommitWorker(env, std::move(writing_), std::move(name));
            const Napi::Promise promise = worker->promise();
            worker->Queue();
            return promise;
        } catch (const std::bad_alloc&) {
            throw_status(env, Status::kOutOfMemory);
            return {};
        }
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

void export_flat_state(Napi::Env env, Napi::Object exports) {
    exports.Set("FlatStateWriter", JsFlatStateWriter::define(env));
}

}  // namespace llm_cache
