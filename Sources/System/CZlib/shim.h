#pragma once
#include <zlib.h>

// inflateInit2 is a macro that Swift does not import. 16 + 15: gzip's header and trailer, the widest window.
static inline int zoetrope_gzip_inflate_init(z_stream *stream) { return inflateInit2(stream, 16 + 15); }
