// What Swift cannot say about the processor: which instruction sets it has and how it treats denormals.
#pragma once
#include <stdint.h>

/// 1 when the processor and the system support x86-64-v3 (AVX2, FMA), else 0.
static inline int zoetrope_has_avx2(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("x86-64-v3") ? 1 : 0;
#else
    return 0;
#endif
}

/// 1 when the processor and the system support x86-64-v4 (AVX-512 F, BW, CD, DQ, VL), else 0.
static inline int zoetrope_has_avx512(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("x86-64-v4") ? 1 : 0;
#else
    return 0;
#endif
}

/// Denormals are flushed to zero, as inputs and as results, on the calling thread: the same on every machine.
static inline void zoetrope_flush_denormals(void) {
#if defined(__x86_64__)
    unsigned int csr = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(csr | 0x8040u);
#elif defined(__aarch64__)
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | (1ull << 24)));
#endif
}

/// Asks for a cache line that will be read; never faults.
static inline void zoetrope_prefetch(const float *_Nonnull line) { __builtin_prefetch(line, 0, 3); }

/// Asks for a cache line that will be written; never faults.
static inline void zoetrope_prefetch_written(const float *_Nonnull line) { __builtin_prefetch(line, 1, 2); }

/// Tells the processor that the thread is spinning.
static inline void zoetrope_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// The values of two vectors in turn: of their lower halves, and of their upper ones. Swift's own halves of a vector end in
// eight times as many instructions.
#define ZOETROPE_INTERLEAVE(lanes, low, high)                                                              \
    typedef float zoetrope_float##lanes __attribute__((vector_size(4 * lanes)));                           \
    static inline __attribute__((always_inline)) zoetrope_float##lanes zoetrope_interleave_low##lanes(     \
        zoetrope_float##lanes a, zoetrope_float##lanes b) {                                                \
        return __builtin_shufflevector low;                                                                \
    }                                                                                                      \
    static inline __attribute__((always_inline)) zoetrope_float##lanes zoetrope_interleave_high##lanes(    \
        zoetrope_float##lanes a, zoetrope_float##lanes b) {                                                \
        return __builtin_shufflevector high;                                                               \
    }

ZOETROPE_INTERLEAVE(4, (a, b, 0, 4, 1, 5), (a, b, 2, 6, 3, 7))
#if defined(__AVX2__)
ZOETROPE_INTERLEAVE(8, (a, b, 0, 8, 1, 9, 2, 10, 3, 11), (a, b, 4, 12, 5, 13, 6, 14, 7, 15))
#endif
#if defined(__AVX512F__)
ZOETROPE_INTERLEAVE(
    16, (a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
    (a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
#endif
