.endian little
.section xdp progbits ax 8
.function f
	r1 = map[m]
	r0 = 2
	exit
.section maps progbits wa 4
.object m size 20
	.byte 11 00 00 00 04 00 00 00 04 00 00 00 01 00 00 00
	.byte 00 00 00 00
.section license progbits wa 1
	.byte 47 50 4c 00
