package kernelname

import (
	"errors"
	"strings"
	"syscall"
)

// Refusal is an error of cilium/ebpf as it is told to who does not know that library: the text
// of the error number alone, and what was asked for where that is no part of the call that
// the caller made. It wraps the error. One without a number is left as it is.
func Refusal(err error) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return err
	}
	return &refusal{aside(err.Error()) + errno.Error(), err}
}

// aside is what the library was about besides, and a colon.
func aside(says string) string {
	if _, at, ok := strings.Cut(says, "create token from "); ok {
		path, _, _ := strings.Cut(at, ": ")
		return "create token from " + path + ": "
	}
	for _, a := range asides {
		if strings.Contains(says, a.says) {
			return a.means + ": "
		}
	}
	return ""
}

type refusal struct {
	text string
	error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.error }

// asides are what the library does besides the call that it is made for, in its words and in
// others.
var asides = [...]struct{ says, means string }{
	{"kfunc", "find the kernel's functions"},
	{"CO-RE", "resolve CO-RE relocations"},
	{"detect support", "find out what the kernel has"},
	{"load BTF", "load types"},
	{"load btf", "load types"},
	{"freeze map", "freeze it"},
	{"populating map", "set its elements"},
	{"inner map", "make its inner map"},
}
