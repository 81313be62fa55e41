// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The value with its member at another place, and wider. */
struct host {
	unsigned int burst;
	unsigned long long limit;
};

#include "grown.h"
