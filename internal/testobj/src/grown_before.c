// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The value as it was. */
struct host {
	unsigned int limit;
	unsigned int old;
};

#include "grown.h"
