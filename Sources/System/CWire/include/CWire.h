#pragma once
#include "caffe2.pb-c.h"
#include "cluster.pb-c.h"
#include "onnx.pb-c.h"
#include "tensorboard.pb-c.h"
