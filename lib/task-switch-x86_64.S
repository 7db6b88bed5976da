/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the switch of x86-64. What lies at sp is struct frame of task-switch.c.
 */
#if defined(__x86_64__) && !defined(__ILP32__) && !defined(ISR_SWITCH_UCONTEXT)

	.text

/* void isri_task_switch_swap(void **from_sp, void *to_sp) */
	.globl isri_task_switch_swap
	.hidden isri_task_switch_swap
	.type isri_task_switch_swap, @function
	.balign 16
isri_task_switch_swap:
	.cfi_startproc
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq %r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq %r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq %r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq %r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr (%rsp)
	fnstcw 4(%rsp)

	/* From here on it is the other stack, which looks the same. */
	movq %rsp, (%rdi)
	movq %rsi, %rsp

	ldmxcsr (%rsp)
	fldcw 4(%rsp)
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq %r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq %r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	/* Not ret: it is predicted to lead to who called, and never does. */
	popq %rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmpq *%rcx
	.cfi_endproc
	.size isri_task_switch_swap, . - isri_task_switch_swap

/* void isri_task_switch_begin(void): r12 is its argument, r13 what to call. */
	.globl isri_task_switch_begin
	.hidden isri_task_switch_begin
	.type isri_task_switch_begin, @function
	.balign 16
isri_task_switch_begin:
	.cfi_startproc
	/* Nobody called it. */
	.cfi_undefined %rip
	movq %r12, %rdi
	callq *%r13
	ud2
	.cfi_endproc
	.size isri_task_switch_begin, . - isri_task_switch_begin

#endif

	.section .note.GNU-stack, "", %progbits
