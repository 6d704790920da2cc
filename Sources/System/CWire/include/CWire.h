#pragma once
#include "cluster.pb-c.h"
