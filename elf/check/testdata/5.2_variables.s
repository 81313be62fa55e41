.endian little
.section xdp progbits ax 8
.function f
	r1 = &total
	r0 = 2
	exit
.section .bss nobits wa 8
.object total size 8
	.zero 8
.section license progbits wa 1
	.byte 47 50 4c 00
