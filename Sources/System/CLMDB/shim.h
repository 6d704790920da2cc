#pragma once
#include <lmdb.h>
#include <stdint.h>
#include <sys/vfs.h>

/* The magic number of the file system that `path` is on (statfs(2), linux/magic.h); -1 and errno where the system does not say.
   Swift's Glibc takes `statfs` for the structure or the function as it likes, and their fields differ between machines. */
static inline int64_t clmdb_file_system_magic(const char *path) {
    struct statfs status;
    if (statfs(path, &status) != 0) return -1;
    return (int64_t)(uint32_t)status.f_type;
}
