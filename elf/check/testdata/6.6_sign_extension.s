.endian little
.section xdp progbits ax 8
.function f
	r1 = 8
	r2 = (s8)r1
	r0 = 2
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
