/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the switch of arm64. What lies at sp is struct frame of task-switch.c.
 */
#if defined(__aarch64__) && defined(__AARCH64EL__) && \
	!defined(__ILP32__) && !defined(ISR_SWITCH_UCONTEXT)

	.text

/* void isri_task_switch_swap(void **from_sp, void *to_sp) */
	.globl isri_task_switch_swap
	.hidden isri_task_switch_swap
	.type isri_task_switch_swap, %function
	.balign 16
isri_task_switch_swap:
	.cfi_startproc
	hint #34 /* bti c */
	sub sp, sp, #176
	.cfi_adjust_cfa_offset 176
	stp x19, x20, [sp, #0]
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	stp x21, x22, [sp, #16]
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	stp x23, x24, [sp, #32]
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	stp x25, x26, [sp, #48]
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	stp x27, x28, [sp, #64]
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	stp x29, x30, [sp, #80]
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mrs x9, fpcr
	str x9, [sp, #160]

	/* From here on it is the other stack, which looks the same. */
	mov x10, sp
	str x10, [x0]
	mov sp, x1

	/* To write it is slow, and it is nearly always the same. */
	ldr x11, [sp, #160]
	cmp x11, x9
	b.eq 1f
	msr fpcr, x11
1:
	ldp d14, d15, [sp, #144]
	ldp d12, d13, [sp, #128]
	ldp d10, d11, [sp, #112]
	ldp d8, d9, [sp, #96]
	ldp x29, x30, [sp, #80]
	ldp x27, x28, [sp, #64]
	ldp x25, x26, [sp, #48]
	ldp x23, x24, [sp, #32]
	ldp x21, x22, [sp, #16]
	ldp x19, x20, [sp, #0]
	add sp, sp, #176
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc
	.size isri_task_switch_swap, . - isri_task_switch_swap

/* void isri_task_switch_begin(void): x19 is its argument, x20 what to call. */
	.globl isri_task_switch_begin
	.hidden isri_task_switch_begin
	.type isri_task_switch_begin, %function
	.balign 16
isri_task_switch_begin:
	.cfi_startproc
	/* Nobody called it. */
	.cfi_undefined x30
	mov x0, x19
	blr x20
	brk #1
	.cfi_endproc
	.size isri_task_switch_begin, . - isri_task_switch_begin

/*
 * All indirect branches lead to landing pads, and ret is none of them; no
 * return address is signed. Without this the whole library loses both.
 */
#if defined(__ARM_FEATURE_BTI_DEFAULT) || defined(__ARM_FEATURE_PAC_DEFAULT)
	.pushsection .note.gnu.property, "a"
	.balign 8
	.word 4, 16, 5
	.asciz "GNU"
	.word 0xc0000000 /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
	.word 4, 3, 0 /* BTI and PAC */
	.popsection
#endif

#endif

	.section .note.GNU-stack, "", %progbits
