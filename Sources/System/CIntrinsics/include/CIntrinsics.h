// What Swift cannot say about the processor: which instruction sets it has and how it treats denormals.
#pragma once
#include <stdint.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

/// 1 when the processor and the system support x86-64-v4 and the products of bfloat16 pairs (`vdpbf16ps`), else 0.
static inline int zoetrope_has_avx512_bf16(void) {
#if defined(__x86_64__)
    return zoetrope_has_avx512() && __builtin_cpu_supports("avx512bf16") ? 1 : 0;
#else
    return 0;
#endif
}

/// Writes how the processor names itself, at most 48 characters and a zero; returns 0 when it does not.
static inline int zoetrope_processor_name(char *_Nonnull name) {
#if defined(__x86_64__)
    unsigned int *words = (unsigned int *)(void *)name;
    for (unsigned int leaf = 0; leaf < 3; leaf++) {
        unsigned int *w = words + 4 * leaf;
        if (!__get_cpuid(0x80000002u + leaf, w, w + 1, w + 2, w + 3)) return 0;
    }
    name[48] = 0;
    return 1;
#else
    name[0] = 0;
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

/// Writes the numbers of the processors that the calling thread may run on, in rising order and at most `capacity` of
/// them, and returns how many there are, or minus the system's error.
int zoetrope_get_affinity(int *_Nonnull numbers, int capacity);

/// Binds the calling thread, and threads and processes that it starts from now on, to processors; returns 0 or the
/// system's error.
int zoetrope_set_affinity(const int *_Nonnull numbers, int count);

/// Asks for a cache line that will be read; never faults.
static inline void zoetrope_prefetch(const float *_Nonnull line) { __builtin_prefetch(line, 0, 3); }

/// Asks for a cache line that will be read soon, but not next: the second cache is near enough.
static inline void zoetrope_prefetch_later(const float *_Nonnull line) { __builtin_prefetch(line, 0, 2); }

/// Asks for a cache line that will be written; never faults. On x86-64 the compiler makes a `prefetcht1` of it, as of
/// `zoetrope_prefetch_later`: the instruction sets that the kernels are compiled for have no `prefetchw`, which would ask
/// for the right to write as well, and measured no difference.
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

// a * b + c, fused. Swift's own is one product after another, which the compiler puts together again as it likes: some in
// halves of a vector.
#define ZOETROPE_MULTIPLY_ADD(lanes)                                                                        \
    static inline __attribute__((always_inline)) zoetrope_float##lanes zoetrope_multiply_add##lanes(       \
        zoetrope_float##lanes a, zoetrope_float##lanes b, zoetrope_float##lanes c) {                       \
        return __builtin_elementwise_fma(a, b, c);                                                         \
    }

ZOETROPE_MULTIPLY_ADD(4)
#if defined(__AVX2__)
ZOETROPE_MULTIPLY_ADD(8)
#endif
#if defined(__AVX512F__)
ZOETROPE_MULTIPLY_ADD(16)
#endif

// Pairs of bfloat16 in the lanes of f32 vectors: the even element below, the odd one above.
#if defined(__AVX512F__)
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif
typedef uint32_t zoetrope_uint16 __attribute__((vector_size(64)));
typedef uint16_t zoetrope_half16 __attribute__((vector_size(32)));

/// The one place where f32 is rounded to bfloat16: to nearest, ties to even; what is no number stays none. The result
/// lies in the upper halves, whose lower ones are of no meaning. Denormals keep what fits: products take them for zeros.
static inline __attribute__((always_inline)) zoetrope_uint16 zoetrope_round_upper(zoetrope_float16 value) {
    zoetrope_uint16 bits = (zoetrope_uint16)value;
    zoetrope_uint16 rounded = bits + 0x7FFFu + ((bits >> 16) & 1u);
    zoetrope_uint16 none = (zoetrope_uint16)((bits & 0x7FFFFFFFu) > 0x7F800000u);
    return (rounded & ~none) | ((bits | 0x400000u) & none);
}

/// The values rounded.
static inline __attribute__((always_inline)) zoetrope_half16 zoetrope_round_pairs(zoetrope_float16 values) {
    return __builtin_convertvector(zoetrope_round_upper(values) >> 16, zoetrope_half16);
}

/// The values of both, rounded, as pairs.
static inline __attribute__((always_inline)) zoetrope_float16 zoetrope_pairs(
    zoetrope_float16 even, zoetrope_float16 odd) {
    return (zoetrope_float16)((zoetrope_round_upper(even) >> 16) | (zoetrope_round_upper(odd) & 0xFFFF0000u));
}

/// The even elements of pairs, as f32.
static inline __attribute__((always_inline)) zoetrope_float16 zoetrope_pairs_even(zoetrope_float16 pairs) {
    return (zoetrope_float16)((zoetrope_uint16)pairs << 16);
}

/// The odd elements of pairs, as f32.
static inline __attribute__((always_inline)) zoetrope_float16 zoetrope_pairs_odd(zoetrope_float16 pairs) {
    return (zoetrope_float16)((zoetrope_uint16)pairs & 0xFFFF0000u);
}

#if defined(__AVX512BF16__)
/// `vdpbf16ps`: sums and the products of two pairs each.
static inline __attribute__((always_inline)) zoetrope_float16 zoetrope_pairs_product(
    zoetrope_float16 sums, zoetrope_float16 a, zoetrope_float16 b) {
    return (zoetrope_float16)_mm512_dpbf16_ps((__m512)sums, (__m512bh)a, (__m512bh)b);
}
#endif
#endif
