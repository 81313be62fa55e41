.endian little
.section xdp progbits ax 8
.function f
	call sub
	r0 = 2
	exit
.section .text progbits ax 8
.function sub
	r0 = 2
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
