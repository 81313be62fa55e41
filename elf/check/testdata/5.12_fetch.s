.endian little
.section xdp progbits ax 8
.function f
	r1 = 0
	*(u64 *)(r10 -8) = r1
	r1 = 1
	r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)
	r0 = 2
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
