#pragma once
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

// Macros with casts or arguments are not imported into Swift.
static inline int zoetrope_averror_eof(void) { return AVERROR_EOF; }
static inline int zoetrope_averror_again(void) { return AVERROR(EAGAIN); }
static inline int zoetrope_averror_memory(void) { return AVERROR(ENOMEM); }
static inline int zoetrope_averror_invalid_data(void) { return AVERROR_INVALIDDATA; }
static inline int64_t zoetrope_no_timestamp(void) { return AV_NOPTS_VALUE; }
