// The instructions that the kernel's JIT compiler for arm64 emits: the macros of
// arch/arm64/net/bpf_jit.h, as arch/arm64/net/bpf_jit_comp.c uses them.

start:
	// prologue and epilogue, with and without pointer authentication and branch targets
	bti	c
	bti	j
	bti	jc
	paciasp
	autiasp
	nop
	mov	x9, x30
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	stp	x19, x20, [sp, #-16]!
	stp	x25, x26, [sp, #16]
	str	x28, [sp, #-16]!
	mov	x25, sp
	mov	x26, #0
	sub	x27, x25, #0
	sub	sp, sp, #512
	add	sp, sp, #512
	ldp	x25, x26, [sp, #16]
	ldp	x19, x20, [sp], #16
	ldr	x28, [sp], #16
	ldp	x29, x30, [sp], #16
	mov	x0, x7
	ret
	br	x10
	blr	x10
	bl	start
	bl	end
	b	start
	b	end

	// conditional jumps
	b.eq	start
	b.ne	end
	b.cs	start
	b.cc	end
	b.hi	start
	b.ls	end
	b.ge	start
	b.lt	end
	b.gt	start
	b.le	end
	cbz	x0, end
	cbnz	w1, start
	tbz	x0, #3, end
	tbnz	w1, #31, start

	// arithmetic by registers, both widths
	add	x7, x7, x0
	add	w7, w7, w0
	sub	x7, x7, x0
	sub	w7, w7, w0
	and	x7, x7, x0
	and	w7, w7, w0
	orr	x7, x7, x0
	orr	w7, w7, w0
	eor	x7, x7, x0
	eor	w7, w7, w0
	mul	x7, x7, x0
	mul	w7, w7, w0
	udiv	x7, x7, x0
	udiv	w7, w7, w0
	sdiv	x7, x7, x0
	sdiv	w7, w7, w0
	udiv	x10, x7, x0
	msub	x7, x10, x0, x7
	msub	w7, w10, w0, w7
	neg	x7, x7
	neg	w7, w7
	mvn	x7, x7
	lsl	x7, x7, x0
	lsl	w7, w7, w0
	lsr	x7, x7, x0
	lsr	w7, w7, w0
	asr	x7, x7, x0
	asr	w7, w7, w0
	cmp	x7, x0
	cmp	w7, w0
	tst	x7, x0
	tst	w7, w0
	bic	x7, x7, x0
	mov	w7, w0
	mov	x7, x0

	// arithmetic by numbers
	add	x7, x7, #1
	add	w7, w7, #4095
	add	x7, x7, #1, lsl #12
	sub	x7, x7, #16
	sub	w7, w7, #1
	cmp	x7, #1
	cmp	w7, #4095
	cmn	x7, #1
	cmn	w7, #1
	and	x7, x7, #0xff
	and	w7, w7, #0xff00
	orr	x7, x7, #0xffffffff
	orr	w7, w7, #0x1
	eor	x7, x7, #0x8000000000000000
	eor	w7, w7, #0x7fffffff
	tst	x7, #0xf
	tst	w7, #0xf
	ands	x1, x2, #0xf
	lsl	x7, x7, #32
	lsl	w7, w7, #3
	lsr	x7, x7, #32
	lsr	w7, w7, #3
	asr	x7, x7, #63
	asr	w7, w7, #31
	ubfx	x7, x7, #4, #8
	sbfx	x7, x7, #4, #8
	mov	x10, #0x1234
	movk	x10, #0x5678, lsl #16
	movk	x10, #0x9abc, lsl #32
	movk	x10, #0xdef0, lsl #48
	mov	x10, #-1
	mov	x10, #-4660
	mov	w10, #0x1234
	movk	w10, #0x5678, lsl #16
	mov	w10, #-4660
	mov	x10, #0xffff00000000
	adr	x10, end

	// byte order and extension
	rev16	w7, w7
	rev16	x7, x7
	rev	w7, w7
	rev32	x7, x7
	rev	x7, x7
	uxth	w7, w7
	uxtb	w7, w7
	sxtb	x7, w0
	sxth	x7, w0
	sxtw	x7, w0
	sxtb	w7, w0
	sxth	w7, w0
	mov	w7, w7
	extr	x7, x7, x7, #8
	ror	x7, x7, #8

	// loads and stores
	ldrb	w7, [x0, x10]
	ldrb	w7, [x0, #14]
	ldrh	w7, [x0, x10]
	ldrh	w7, [x0, #14]
	ldr	w7, [x0, x10]
	ldr	w7, [x0, #16]
	ldr	x7, [x0, x10]
	ldr	x7, [x0, #16]
	ldr	x7, [x0]
	ldrsb	x7, [x0, x10]
	ldrsb	x7, [x0, #1]
	ldrsh	x7, [x0, x10]
	ldrsh	x7, [x0, #2]
	ldrsw	x7, [x0, x10]
	ldrsw	x7, [x0, #4]
	strb	w7, [x0, x10]
	strb	w7, [x0, #1]
	strh	w7, [x0, x10]
	strh	w7, [x0, #2]
	str	w7, [x0, x10]
	str	w7, [x0, #4]
	str	x7, [x0, x10]
	str	x7, [x0, #8]
	str	xzr, [x0, #8]
	str	wzr, [x0]
	ldur	x7, [x0, #-8]
	stur	x7, [x25, #-8]
	ldurb	w7, [x0, #-1]
	sturh	w7, [x0, #-2]
	ldr	x10, end
	prfm	pstl1strm, [x0]

	// atomics, without and with the large system extension
	ldxr	w10, [x0]
	ldxr	x10, [x0]
	stxr	w11, w10, [x0]
	stxr	w11, x10, [x0]
	stlxr	w11, w10, [x0]
	stlxr	w11, x10, [x0]
	ldaxr	x10, [x0]
	ldar	x7, [x0]
	ldar	w7, [x0]
	ldarb	w7, [x0]
	ldarh	w7, [x0]
	stlr	x7, [x0]
	stlr	w7, [x0]
	stlrb	w7, [x0]
	stlrh	w7, [x0]
	stadd	x7, [x0]
	stadd	w7, [x0]
	stclr	x10, [x0]
	stclr	w10, [x0]
	steor	x7, [x0]
	stset	x7, [x0]
	ldaddal	x7, x7, [x0]
	ldaddal	w7, w7, [x0]
	ldclral	x10, x7, [x0]
	ldeoral	x7, x7, [x0]
	ldeoral	w7, w7, [x0]
	ldsetal	x7, x7, [x0]
	swpal	x7, x7, [x0]
	swpal	w7, w7, [x0]
	casal	x7, x1, [x0]
	casal	w7, w1, [x0]
	dmb	ish
	dsb	nsh
	isb
	.inst 0xd50330ff

	// what belongs to this processor and this task, and speculation
	mrs	x10, tpidr_el1
	mrs	x10, tpidr_el2
	mrs	x10, sp_el0
	mrs	x0, cntvct_el0
	hint	#20
	hint	#22
	clrex
	brk	#0x100
	udf	#0
	csel	x7, x0, x1, eq
	cset	x7, ne
	ccmp	x0, x1, #0, eq
	madd	x7, x0, x1, x2
	smull	x7, w0, w1
	umulh	x7, x0, x1
	clz	x7, x0
	rbit	x7, x0
end:
