package classic

import (
	"errors"
	"fmt"
)

// CheckError says which instruction no kernel runs.
type CheckError struct {
	At          int // from 0
	Instruction Instruction
	Err         error
}

// Error returns the instruction's number and text, and what is wrong.
func (e *CheckError) Error() string {
	return fmt.Sprintf("instruction %d (%v): %v", e.At, e.Instruction, e.Err)
}

// Unwrap returns what is wrong.
func (e *CheckError) Unwrap() error { return e.Err }

// Check says of a program what the kernel would refuse with no more than
// "invalid argument" (bpf_check_classic of net/core/filter.c). The error about an
// instruction is a [*CheckError].
func Check(program []Instruction) error {
	if len(program) == 0 {
		return errors.New("no instruction")
	}
	if len(program) > MaxInstructions {
		return fmt.Errorf("%d instructions, the kernel takes %d", len(program), MaxInstructions)
	}
	for at, i := range program {
		if err := i.check(at, len(program)); err != nil {
			return &CheckError{at, i, err}
		}
	}
	last := len(program) - 1
	if program[last].Class() != RET {
		return &CheckError{last, program[last], errors.New("the last instruction must be a ret")}
	}
	return checkMemory(program)
}

func (i Instruction) check(at, count int) error {
	o := find(i.Code)
	switch {
	case o == nil:
		return errors.New("no instruction has this code")
	case i.Code == RET|X:
		return errors.New("no kernel returns x")
	case i.Code == ALU|DIV|K && i.K == 0, i.Code == ALU|MOD|K && i.K == 0:
		return errors.New("division by zero")
	case (i.Code == ALU|LSH|K || i.Code == ALU|RSH|K) && i.K >= 32:
		return errors.New("a shift by more than 31 bits")
	case o.form == formMemory && i.K >= Memory:
		return fmt.Errorf("scratch memory has %d words", Memory)
	}
	for _, to := range i.targets(at) {
		if to >= uint64(count) {
			return fmt.Errorf("jumps to %d of %d instructions", to, count)
		}
		if to <= uint64(at) {
			return fmt.Errorf("jumps back to %d: no kernel runs loops", to)
		}
	}
	if e, ok := i.Extension(); ok && e != XorX && !e.named() {
		return errors.New("no extension has this offset")
	}
	return nil
}

// checkMemory looks for words of scratch memory that are read where some way
// through the program has not written them. As for the kernel, a ret does not end a way.
func checkMemory(program []Instruction) error {
	const all = 1<<Memory - 1
	valid := make([]uint16, len(program))
	for at := range valid {
		valid[at] = all
	}
	now := uint16(0)
	for at, i := range program {
		now &= valid[at]
		switch i.Code {
		case ST, STX:
			now |= 1 << i.K
		case LD | MEM, LDX | MEM:
			if now&(1<<i.K) == 0 {
				return &CheckError{at, i, errors.New("reads a word that may not have been written")}
			}
		}
		if targets := i.targets(at); targets != nil {
			for _, to := range targets {
				valid[to] &= now
			}
			now = all
		}
	}
	return nil
}
