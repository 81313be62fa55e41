// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define TABLE_ENTRIES 32
#define TABLE_VALUE __u64
#include "table.h"
