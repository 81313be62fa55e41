.endian little
.section xdp progbits ax 8
.function f
	r0 = 2
	gotol L1                ; by 1: an older kernel takes "gotol pc+0" for a goto
L2:
	exit
L1:
	r0 = 1
	goto L2
.section license progbits wa 1
	.byte 47 50 4c 00
