#define _GNU_SOURCE
#include "CIntrinsics.h"
#include <errno.h>
#include <sched.h>

// Room for 8192 processors; the type of the C library stops at 1024.
enum { words = 8192 / (8 * (int)sizeof(unsigned long)), bits = 8 * (int)sizeof(unsigned long) };

int zoetrope_get_affinity(int *numbers, int capacity) {
    unsigned long set[words] = {0};
    if (sched_getaffinity(0, sizeof set, (cpu_set_t *)(void *)set) != 0) return -errno;
    int count = 0;
    for (int number = 0; number < words * bits; number++) {
        if (!(set[number / bits] >> (number % bits) & 1)) continue;
        if (count < capacity) numbers[count] = number;
        count++;
    }
    return count;
}

int zoetrope_set_affinity(const int *numbers, int count) {
    unsigned long set[words] = {0};
    for (int i = 0; i < count; i++) {
        if (numbers[i] < 0 || numbers[i] >= words * bits) return EINVAL;
        set[numbers[i] / bits] |= 1ul << (numbers[i] % bits);
    }
    return sched_setaffinity(0, sizeof set, (cpu_set_t *)(void *)set) == 0 ? 0 : errno;
}
