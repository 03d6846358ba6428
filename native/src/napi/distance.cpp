// dot, squaredL2, dotInt8 and their many-row forms. Plain Node-API: the wrapper would cost as much
// as a short product.
#include "addon.hpp"
#include "arguments.hpp"
#include "errors.hpp"

namespace llm_cache {
namespace {

using FloatKernel = float (*Kernels::*)(const float*, const float*, size_t);

napi_value number(napi_env env, double value) {
    napi_value result = nullptr;
    failed(env, napi_create_double(env, value, &result));
    return result;
}

napi_value pair(napi_env env, napi_callback_info info, FloatKernel kernel) {
    const Call<2> call(env, info);
    Span<float> a;
    Span<float> b;
    if (!get_floats(env, call[0], "a", a) || !get_floats(env, call[1], "b", b)) return nullptr;
    if (!check_length(env, "b", a.length, b.length)) return nullptr;
    const Kernels& kernels = *static_cast<const Addon*>(call.data)->kernels;
    return number(env, (kernels.*kernel)(a.data, b.data, a.length));
}

napi_value many(napi_env env, napi_callback_info info, FloatKernel kernel) {
    const Call<3> call(env, info);
    Span<float> query;
    Span<float> rows;
    Span<float> out;
    if (!get_floats(env, call[0], "query", query) || !get_floats(env, call[1], "rows", rows) ||
        !get_floats(env, call[2], "out", out)) {
        return nullptr;
    }
    if (query.length == 0) {
        throw_error(env, kDimensionCode, "query must hold at least one number");
        return nullptr;
    }
    const size_t whole_rows = rows.length / query.length;
    if (!check_length(env, "rows", whole_rows * query.length, rows.length)) return nullptr;
    if (!check_length(env, "out", whole_rows, out.length)) return nullptr;
    const Kernels& kernels = *static_cast<const Addon*>(call.data)->kernels;
    for (size_t i = 0; i < whole_rows; ++i) {
        out.data[i] = (kernels.*kernel)(query.data, rows.data + i * query.length, query.length);
    }
    return nullptr;
}

napi_value JsDot(napi_env env, napi_callback_info info) { return pair(env, info, &Kernels::dot); }

napi_value JsSquaredL2(napi_env env, napi_callback_info info) {
    return pair(env, info, &Kernels::squared_l2);
}

napi_value JsDotMany(napi_env env, napi_callback_info info) {
    return many(env, info, &Kernels::dot);
}

napi_value JsSquaredL2Many(napi_env env, napi_callback_info info) {
    return many(env, info, &Kernels::squared_l2);
}

napi_value JsDotInt8(napi_env env, napi_callback_info info) {
    const Call<2> call(env, info);
    Span<int8_t> a;
    Span<int8_t> b;
    if (!get_codes(env, call[0], "a", a) || !get_codes(env, call[1], "b", b)) return nullptr;
    if (!check_length(env, "b", a.length, b.length)) return nullptr;
    const Kernels& kernels = *static_cast<const Addon*>(call.data)->kernels;
    return number(env, static_cast<double>(dot_int8(kernels, a.data, b.data, a.length)));
}

}  // namespace

void export_distance(Napi::Env env, Napi::Object exports, Addon& addon) {
    export_function(env, exports, "dot", JsDot, addon);
    export_function(env, exports, "squaredL2", JsSquaredL2, addon);
    export_function(env, exports, "dotInt8", JsDotInt8, addon);
    export_function(env, exports, "dotMany", JsDotMany, addon);
    export_function(env, exports, "squaredL2Many", JsSquaredL2Many, addon);
}

}  // namespace llm_cache
