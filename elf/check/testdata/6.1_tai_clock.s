.endian little
.section xdp progbits ax 8
.function f
	call bpf_ktime_get_tai_ns
	r0 = 2
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
