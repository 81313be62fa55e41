.endian little
.section xdp progbits ax 8
.function f
	r0 = 2
	may_goto L1
	r0 = 1
L1:
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
