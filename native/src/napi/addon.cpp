// Entry point: chooses kernels, makes the environment's state and fills the exports.
#include "addon.hpp"

#include <new>

#include "errors.hpp"

namespace llm_cache {
namespace {

Napi::Array names_of_kernels(Napi::Env env) {
    const auto& available = available_kernels();
    Napi::Array names = Napi::Array::New(env, available.size());
    for (uint32_t i = 0; i < available.size(); ++i) {
        names.Set(i, Napi::String::New(env, available[i]->name));
    }
    return names;
}

Napi::Object fill(Napi::Env env, Napi::Object exports) {
    std::string problem;
    auto addon = std::make_unique<Addon>();
    addon->kernels = active_kernels(problem);
    if (addon->kernels != nullptr) addon->sha256 = active_sha256(problem);
    if (addon->sha256 == nullptr) {
        throw_error(env, kNativeCode, problem.c_str());
        return exports;
    }
    exports.Set("kernel", addon->kernels->name);
    exports.Set("kernels", names_of_kernels(env));
    exports.Set("sha256Implementation", addon->sha256->name);
    export_hash(env, exports, *addon);
    export_distance(env, exports, *addon);
    export_flat_index(env, exports, *addon);
    export_state_writer(env, exports);
    export_frequency_sketch(env, exports);
    export_ivf_index(env, exports, *addon);
    export_product_quantiser(env, exports, *addon);
    env.SetInstanceData(addon.release());
    return exports;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
    try {
        return fill(env, exports);
    } catch (const std::bad_alloc&) {
        throw_status(env, Status::kOutOfMemory);
        return exports;
    }
}

}  // namespace

void export_function(Napi::Env env, Napi::Object exports, const char* name, napi_callback callback,
                     Addon& addon) {
    napi_value function;
    if (failed(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, &addon, &function)))
        return;
    failed(env, napi_set_named_property(env, exports, name, function));
}

}  // namespace llm_cache

static Napi::Object JsInitialise(Napi::Env env, Napi::Object exports) {
    return llm_cache::initialise(env, exports);
}

NODE_API_MODULE(llm_tiered_cache, JsInitialise)
