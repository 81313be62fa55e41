package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/netlink"
)

// TestForeign: what a script that calls ip or tc reads on standard error: the sentence
// of the kernel, or the C library's of its number, or else ours.
func TestForeign(t *testing.T) {
	refused := func(message string, errno syscall.Errno) error {
		return &env.LinkError{Device: "v0", Err: &netlink.Error{Op: "add filter", Message: message, Err: errno}}
	}
	for _, tt := range []struct {
		name   string
		err    error
		want   string
		status int // 0: the kernel has refused
	}{
		{"a sentence", refused("Exclusivity flag on, cannot modify.", syscall.EEXIST), "Error: Exclusivity flag on, cannot modify.\n", 0},
		{"a sentence without its stop", refused("Specified qdisc not found", syscall.ENOENT), "Error: Specified qdisc not found.\n", 0},
		{"a number", refused("", syscall.EINVAL), "RTNETLINK answers: Invalid argument\n", 0},
		{
			"a number, of a filter", &env.CommandError{Command: "tc filter add", Err: refused("", syscall.EINVAL)},
			"RTNETLINK answers: Invalid argument\nWe have an error talking to the kernel\n", 0,
		},
		{
			"a request that was not sent", &netlink.Error{Op: "add filter", Err: os.NewSyscallError("sendto", syscall.ENOBUFS)},
			"Error: add filter: sendto: no buffer space available\n", 0,
		},
		{"no device", &env.DeviceError{Name: "v\n0", Err: os.ErrNotExist}, "Cannot find device \"v\\n0\"\n", 1},
		{"no device to show", &env.CommandError{Command: "link show", Err: &env.DeviceError{Name: "v0", Err: os.ErrNotExist}}, "Device \"v0\" does not exist.\n", 1},
		{"no block", &env.BlockError{Block: 9}, "Cannot find block \"9\"\n", 1},
		{"an object", &env.ObjectError{Object: "a.o", Err: errors.New("no ELF file")}, "Error: no ELF file\n", 255},
		{"no object", &fs.PathError{Op: "open", Path: "a.o", Err: syscall.ENOENT}, "Error: open a.o: no such file or directory\n", 255},
		{"wrong words", &env.OptionError{Err: errors.New("unknown option -q")}, "Error: unknown option -q\n", 255},
		{"ours", &env.CommandError{Command: "link set", Err: errors.New("no program\nat all")}, "Error: no program\\nat all\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr, stdout bytes.Buffer
			e := &env.Env{Tool: env.ToolIP, Stdout: &stdout, Stderr: &stderr}
			if status := report(e, tt.err); status != cmp.Or(tt.status, env.StatusRefused) {
				t.Errorf("status %d", status)
			}
			if stderr.String() != tt.want || stdout.Len() > 0 {
				t.Errorf("%q and %q, want %q", stderr.String(), stdout.String(), tt.want)
			}
		})
	}
}

// TestJoined: the text of an error is a line, also where several things went wrong.
func TestJoined(t *testing.T) {
	both := fmt.Errorf("undo: %w", errors.Join(errors.New("a"), errors.New("b")))
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&env.CommandError{Command: "link set", Err: &env.LinkError{Device: "v0", Err: both}}, "xdpload: link set: v0: undo: a; b\n"},
		{&subject.DevicesError{Of: 2, Failed: []subject.DeviceFailure{{Device: "v0", Err: both}}}, "  v0: undo: a; b\n"},
	} {
		var b strings.Builder
		failure(tt.err).Write(&b, tt.err)
		if !strings.HasSuffix(b.String(), tt.want) {
			t.Errorf("%q, want %q", b.String(), tt.want)
		}
	}
	var b strings.Builder
	e := &env.Env{Stderr: &b}
	if e.Warn("%v", both); b.String() != "warning: undo: a; b\n" {
		t.Errorf("%q", b.String())
	}
}
