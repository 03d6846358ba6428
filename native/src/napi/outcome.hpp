// The promise of work off the event loop; the files of native/src/napi include it.
#pragma once

#include "addon.hpp"
#include "errors.hpp"

namespace llm_cache {

/// @brief A promise, and an error made at the call so that its stack shows the caller.
class Outcome {
  public:
    Outcome(Napi::Env env, const char* text)
        : deferred_(Napi::Promise::Deferred::New(env)),
          error_(Napi::Persistent(Napi::Error::New(env, text).Value())) {}

    Napi::Promise promise() const { return deferred_.Promise(); }
    void resolve(Napi::Value value) const { deferred_.Resolve(value); }
    void reject(Napi::Value reason) const { deferred_.Reject(reason); }

    void reject(Status status) {
        const StatusText text = status_text(status);
        Napi::Object error = error_.Value();
        error.Set("message", text.message);
        error.Set("code", text.code);
        deferred_.Reject(error);
    }

    /// @brief What was thrown; nothing when the environment is about to end, where calls fail
    /// without.
    void reject_pending(Napi::Env env) const {
        if (env.IsExceptionPending()) deferred_.Reject(env.GetAndClearPendingException().Value());
    }

  private:
    Napi::Promise::Deferred deferred_;
    Napi::ObjectReference error_;
};

/// @brief A promise rejected with the exception on its way.
inline Napi::Value rejection(Napi::Env env) {
    // Taken first: with an exception on its way no promise can be made.
    const Napi::Error error = env.GetAndClearPendingException();
    const Napi::Promise::Deferred refused = Napi::Promise::Deferred::New(env);
    refused.Reject(error.Value());
    return refused.Promise();
}

}  // namespace llm_cache
