// Work off the event loop, with a promise of its result; the files of native/src/napi that start
// such work include it.
#pragma once

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "outcome.hpp"

namespace llm_cache {

/// @brief Runs a task off the event loop and settles a promise on it.
///
/// A Task is a plain struct with run() and a status, and holds copies, snapshots and results,
/// nothing of JavaScript. A MakeResult is called on the event loop with (env, task) where the
/// status is kOk; what it returns is the promise's value, or empty with an exception on its way.
/// Both are destroyed on the event loop's thread.
template <typename Task, typename MakeResult>
class Worker : public Napi::AsyncWorker {
  public:
    Worker(Napi::Env env, const char* name, Task&& task, MakeResult&& make_result)
        : Napi::AsyncWorker(env, name),
          task_(std::move(task)),
          make_result_(std::move(make_result)),
          outcome_(env, (std::string(name) + " failed").c_str()) {}

    Napi::Promise promise() const { return outcome_.promise(); }

    void Execute() override { task_.run(); }

    void OnOK() override {
        if (task_.status != Status::kOk) return outcome_.reject(task_.status);
        const Napi::Value result = make_result_(Env(), task_);
        if (Env().IsExceptionPending() || result.IsEmpty()) return outcome_.reject_pending(Env());
        outcome_.resolve(result);
    }

  private:
    Task task_;
    MakeResult make_result_;
    Outcome outcome_;
};

/// @brief Starts a task; the promise is of what make_result makes.
template <typename Task, typename MakeResult>
Napi::Promise run_off_thread(Napi::Env env, const char* name, Task&& task,
                             MakeResult&& make_result) {
    auto* worker = new Worker<Task, MakeResult>(env, name, std::move(task), std::move(make_result));
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
}

/// @brief Calls start(), which returns a promise, or empty with an exception on its way; then, and
/// where there is no memory, the promise is a rejected one.
template <typename Start>
Napi::Value promise_of(Napi::Env env, Start&& start) {
    try {
        const Napi::Value promise = start();
        if (!promise.IsEmpty()) return promise;
    } catch (const std::bad_alloc&) {
        throw_status(env, Status::kOutOfMemory);
    }
    return rejection(env);
}

/// @brief What can be waited for and called off: an object with `promise` and `cancel`.
inline Napi::Object cancellable(Napi::Env env, Napi::Promise promise,
                                std::shared_ptr<std::atomic<bool>> cancelled) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("promise", promise);
    object.Set("cancel", Napi::Function::New(
                             env,
                             [cancelled = std::move(cancelled)](const Napi::CallbackInfo&) {
                                 *cancelled = true;
                             },
                             "cancel"));
    return object;
}

}  // namespace llm_cache
