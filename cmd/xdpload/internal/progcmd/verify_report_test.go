package progcmd

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
)

// The name of a program comes from the object: it stays in its line.
func TestVerifyNameInLine(t *testing.T) {
	report := &verifyReport{File: "foo.o", Rejected: 1, Programs: []verifiedProgram{{Name: "a\nb", Result: resultRejected, Reason: "why"}}}
	var b render.Text
	report.WriteText(&b, render.Options{Brief: true})
	if first, _, _ := strings.Cut(b.String(), "\n"); !strings.HasSuffix(first, "b: rejected: why") {
		t.Errorf("the name is broken up:\n%s", &b)
	}
}

// TestVerifyAsked: rejected is what the kernel refuses, not what is missing before it is asked.
func TestVerifyAsked(t *testing.T) {
	for _, tt := range []struct {
		err           error
		result, errno string
	}{
		{&load.Error{Program: "f", Err: unix.EINVAL}, resultRejected, "EINVAL"},
		{&load.Error{Map: "m", Err: unix.EINVAL}, resultUnasked, "EINVAL"},
		{&load.Error{Program: "f", Err: &os.PathError{Op: "open", Path: "/proc/config.gz", Err: unix.ENOENT}}, resultUnasked, "ENOENT"},
		{&load.Error{Program: "f", Err: errors.New("no such setting")}, resultUnasked, ""},
	} {
		got := (&verifyRequest{}).verified(&load.VerifyResult{Err: tt.err})
		if got.Result != tt.result || got.Errno != tt.errno {
			t.Errorf("%v: %s, errno %q; want %s, %q", tt.err, got.Result, got.Errno, tt.result, tt.errno)
		}
	}
}

// TestVerifyMoreLog: how much more of a log there is, is not known of one that is cut.
func TestVerifyMoreLog(t *testing.T) {
	for _, tt := range []struct {
		first, want string
	}{
		{"0: (b7) r0 = 0", "\n  2 more lines in the log: add verbose\n"},
		{load.Cut, "\n  many more lines in the log: add verbose\n"},
	} {
		p := verifiedProgram{Name: "f", Result: resultRejected, Reason: "why", log: []string{tt.first, "1: (95) exit", "why"}, Log: []string{"why"}}
		var b render.Text
		(&verifyReport{File: "foo.o", Rejected: 1, Programs: []verifiedProgram{p}}).WriteText(&b, render.Options{})
		if !strings.HasSuffix(b.String(), tt.want) {
			t.Errorf("%s: got %q, want %q at its end", tt.first, b.String(), tt.want)
		}
	}
}
