// Chooses the kernels: the first of the list that the machine supports, or the one that the
// environment names.
#include <cstdlib>
#include <cstring>

#include "kernels.hpp"

namespace llm_cache {

const std::vector<const Kernels*>& available_kernels() {
    static const std::vector<const Kernels*> available = [] {
        const CpuFeatures features = detect_cpu_features();
        std::vector<const Kernels*> found;
        for (const Kernels* kernels :
             {avx512_kernels(), avx2_kernels(), neon_kernels(), scalar_kernels()}) {
            if (kernels != nullptr && kernels->supported(features)) found.push_back(kernels);
        }
        return found;
    }();
    return available;
}

const Kernels* choose_kernels(const char* name, std::string& problem) {
    const auto& available = available_kernels();
    if (name == nullptr || *name == '\0') return available.front();
    std::string names;
    for (const Kernels* kernels : available) {
        if (std::strcmp(kernels->name, name) == 0) return kernels;
        names += names.empty() ? "" : ", ";
        names += kernels->name;
    }
    problem = std::string("LLM_CACHE_KERNEL is \"") + name + "\"; this machine runs: " + names;
    return nullptr;
}

const Kernels* active_kernels(std::string& problem) {
    static std::string reason;
    static const Kernels* const chosen = choose_kernels(std::getenv("LLM_CACHE_KERNEL"), reason);
    problem = reason;
    return chosen;
}

}  // namespace llm_cache
