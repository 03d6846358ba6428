# Builds the addon on a user's machine (npm install). CMakeLists.txt lists the same sources; a test compares the two.
{
  'targets': [
    {
      'target_name': 'llm_tiered_cache',
      'sources': [
        'native/src/centroids.cpp',
        'native/src/cpu_features.cpp',
        'native/src/flat_index.cpp',
        'native/src/flat_search.cpp',
        'native/src/frequency_sketch.cpp',
        'native/src/kmeans.cpp',
        'native/src/pq.cpp',
        'native/src/pq_train.cpp',
        'native/src/quantise.cpp',
        'native/src/query_key.cpp',
        'native/src/shard.cpp',
        'native/src/kernels/avx2.cpp',
        'native/src/kernels/avx512.cpp',
        'native/src/kernels/dispatch.cpp',
        'native/src/kernels/neon.cpp',
        'native/src/kernels/pq_avx2.cpp',
        'native/src/kernels/pq_avx512.cpp',
        'native/src/kernels/pq_neon.cpp',
        'native/src/kernels/pq_scalar.cpp',
        'native/src/kernels/scalar.cpp',
        'native/src/sha256/dispatch.cpp',
        'native/src/sha256/portable.cpp',
        'native/src/sha256/sha_ni.cpp',
        'native/src/state/checksum.cpp',
        'native/src/state/reader.cpp',
        'native/src/state/writer.cpp',
        'native/src/napi/addon.cpp',
        'native/src/napi/arguments.cpp',
        'native/src/napi/distance.cpp',
        'native/src/napi/errors.cpp',
        'native/src/napi/flat_index.cpp',
        'native/src/napi/frequency_sketch.cpp',
        'native/src/napi/hash.cpp',
        'native/src/napi/pq_workers.cpp',
        'native/src/napi/product_quantiser.cpp',
      ],
      'include_dirs': [
        '<!(node -p "require(\'node-addon-api\').include_dir")',
      ],
      'defines': [
        'NAPI_VERSION=8',
        'NAPI_DISABLE_CPP_EXCEPTIONS',
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      # The core catches std::bad_alloc, so exceptions are on; none crosses into Node.
      'cflags!': ['-fno-exceptions'],
      'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++17', '-O3', '-fvisibility=hidden', '-fstack-protector-strong', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'],
      'xcode_settings': {
        'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
        'CLANG_CXX_LIBRARY': 'libc++',
        'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
        'GCC_OPTIMIZATION_LEVEL': '3',
        'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
        'MACOSX_DEPLOYMENT_TARGET': '11.0',
      },
      'msvs_settings': {
        'VCCLCompilerTool': {
          'ExceptionHandling': 1,
          'AdditionalOptions': ['/std:c++17', '/O2', '/guard:cf'],
        },
      },
      'conditions': [
        ['OS=="linux"', {
          'ldflags': ['-pthread', '-Wl,-z,relro,-z,now'],
        }],
        ['OS=="win"', {
          'defines': ['NOMINMAX'],
        }],
      ],
    },
  ],
}
