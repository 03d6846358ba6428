// The outcomes of the core's fallible calls and the one table that gives each its code and text;
// all of native/src uses it.
#pragma once

#include <cstdint>

namespace llm_cache {

/// @brief Outcome of a call into the core. The core reports nothing in any other way: it prints
/// nothing, aborts nowhere and lets no exception out.
enum class Status : uint8_t {
    kOk,
    kDimensionOutOfRange,
    kNotFinite,
    kTooLong,
    kBeyondHalf,
    kReservedNumber,
    kOutOfMemory,
    kFull,
    kCounterBits,
    kCountOutOfRange,
    kTooFewPoints,
    kAllEqual,
    kNotDivisible,
    kCodeBits,
    kCancelled,
    kDamaged,
    kForeign,
    kOverBudget,
    kNotRead,
    kNotWritten,
    kTaken,
    kListsOutOfRange,
};

/// @brief The stable code that JavaScript sees in `error.code`, and a sentence.
struct StatusText {
    const char* code;
    const char* message;
};

/// @brief The text of an outcome.
inline StatusText status_text(Status status) {
    switch (status) {
        case Status::kOk:
            return {"", "no error"};
        case Status::kDimensionOutOfRange:
            return {"ERR_LLM_CACHE_ARGUMENT", "dimension must be an integer from 1 to 65536"};
        case Status::kNotFinite:
            return {"ERR_LLM_CACHE_ARGUMENT", "vector must hold finite numbers only"};
        case Status::kTooLong:
            return {"ERR_LLM_CACHE_ARGUMENT", "vector must have a norm of at most 2^63"};
        case Status::kBeyondHalf:
            return {"ERR_LLM_CACHE_ARGUMENT",
                    "components of vectors kept as float16 must be at most 65504"};
        case Status::kReservedNumber:
            return {"ERR_LLM_CACHE_ARGUMENT", "id and partition must be at most 4294967294"};
        case Status::kOutOfMemory:
            return {"ERR_LLM_CACHE_CAPACITY", "out of memory"};
        case Status::kFull:
            return {"ERR_LLM_CACHE_CAPACITY", "the index holds as many rows as it can number"};
        case Status::kCounterBits:
            return {"ERR_LLM_CACHE_ARGUMENT", "counterBits must be 4 or 16"};
        case Status::kCountOutOfRange:
            return {"ERR_LLM_CACHE_ARGUMENT", "clusters and threads must be at least 1"};
        case Status::kTooFewPoints:
            return {"ERR_LLM_CACHE_ARGUMENT",
                    "training needs at least as many vectors as there are centroids"};
        case Status::kAllEqual:
            return {"ERR_LLM_CACHE_ARGUMENT", "training needs vectors that are not all equal"};
        case Status::kNotDivisible:
            return {"ERR_LLM_CACHE_ARGUMENT", "m must be at least 1 and divide the dimension"};
        case Status::kCodeBits:
            return {"ERR_LLM_CACHE_ARGUMENT", "nbits must be 4 or 8"};
        case Status::kCancelled:
            return {"ABORT_ERR", "the work was cancelled"};
        case Status::kDamaged:
            return {"ERR_LLM_CACHE_SNAPSHOT", "the stored state of the index is damaged"};
        case Status::kForeign:
            return {"ERR_LLM_CACHE_SNAPSHOT", "the file holds no state of this kind and version"};
        case Status::kOverBudget:
            return {"ERR_LLM_CACHE_SNAPSHOT", "the stored state is greater than may be loaded"};
        case Status::kNotRead:
            return {"ERR_LLM_CACHE_SNAPSHOT", "the file of the stored state cannot be read"};
        case Status::kNotWritten:
            return {"ERR_LLM_CACHE_SNAPSHOT", "the file of the stored state cannot be written"};
        case Status::kTaken:
            return {"ERR_LLM_CACHE_BUSY", "another process is writing the stored state"};
        case Status::kListsOutOfRange:
            return {"ERR_LLM_CACHE_ARGUMENT", "nlist must be an integer from 1 to 1048576"};
    }
    return {"ERR_LLM_CACHE_NATIVE", "unknown status"};
}

}  // namespace llm_cache
