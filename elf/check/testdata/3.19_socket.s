.endian little
.section socket progbits ax 8
.function f
	r0 = 0
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
