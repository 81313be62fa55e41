// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define OUTER_VALUE 8
#include "outer.h"
