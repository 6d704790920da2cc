// A header-only module still needs one source file for SwiftPM to compile.
#include "CIntrinsics.h"
