// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define TABLE_ENTRIES 16
#define TABLE_VALUE __u32
#include "table.h"
