.endian little
.section "xdp/cpumap" progbits ax 8
.function f
	r0 = 2
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
