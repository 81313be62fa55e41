.endian little
.section xdp progbits ax 8
.function f
	r1 = 0
L1:
	r1 += 1
	if r1 != 0x8 goto L1
	r0 = 2
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
