package tools

var forbiddenCode = []planted{
	{path: "elf/exit.go", want: "only cli and main end the process", source: `package elf

import "os"

// Quit breaks a rule.
func Quit() { os.Exit(1) }
`},
	{path: "cmd/xdpload/sysexit.go", want: "only cli and main end the process", source: `package main

import "golang.org/x/sys/unix"

// Quit breaks a rule.
func Quit() { unix.Exit(1) }
`},
	{path: "netlink/print.go", want: "only cli prints; take an io.Writer", source: `package netlink

import "fmt"

// Say breaks a rule.
func Say() { fmt.Println("said") }
`},
	{path: "pin/builtin.go", want: "only cli prints; take an io.Writer", source: `package pin

// Say breaks a rule.
func Say() { println("said") }
`},
	{path: "cmd/xdpload/stdout.go", want: "only cli and main know the standard streams", source: `package main

import (
	"io"
	"os"
)

// Out breaks a rule.
func Out() io.Writer { return os.Stdout }
`},
	{path: "cmd/xdpload/internal/env/stdin.go", want: "only cli and main know the standard streams", source: `package env

import (
	"io"
	"os"
)

// In breaks a rule.
func In() io.Reader { return os.Stdin }
`},
	{path: "offload/log.go", want: "no logger; return an error", source: `package offload

import "log"

// Say breaks a rule.
func Say() { log.Print("said") }
`},
	{path: "offload/slog.go", want: "no logger; return an error", source: `package offload

import "log/slog"

// Shout breaks a rule.
func Shout() { slog.Info("said") }
`},
	{path: "load/env.go", want: "no environment variable is read below cmd", source: `package load

import "os"

// Jobs breaks a rule.
func Jobs() (string, bool) { return os.LookupEnv("JOBS") }
`},
	{path: "pin/env.go", want: "no environment variable is read below cmd", source: `package pin

import "os"

// Root breaks a rule.
func Root() string { return os.Getenv("BPFFS") }
`},
	{path: "netlink/setns.go", want: "only internal/netns enters a namespace", source: `package netlink

import "golang.org/x/sys/unix"

// Enter breaks a rule.
func Enter(fd int) error { return unix.Setns(fd, unix.CLONE_NEWNET) }
`},
	{path: "attach/unshare.go", want: "only internal/netns enters a namespace", source: `package attach

import "golang.org/x/sys/unix"

// Leave breaks a rule.
func Leave() error { return unix.Unshare(unix.CLONE_NEWNS) }
`},
	{path: "offload/bpf.go", want: "only internal/sys calls bpf(2) by itself", source: `package offload

import "golang.org/x/sys/unix"

// Call is the number of a system call.
const Call = unix.SYS_BPF
`},
	{path: "load/pin.go", want: "only pin makes and removes files on a BPF file system", source: `package load

import "github.com/cilium/ebpf"

// Keep breaks a rule.
func Keep(m *ebpf.Map) error { return m.Pin("/sys/fs/bpf/m") }
`},
	{path: "prog/pin.go", want: "only pin makes and removes files on a BPF file system", source: `package prog

import "github.com/cilium/ebpf"

// Forget breaks a rule.
func Forget(p *ebpf.Program) error { return p.Unpin() }
`},
	{path: "pin/skip_test.go", want: "skipped by need.Of", source: `package pin

import "testing"

func TestSkipped(t *testing.T) {
	var tb testing.TB = t
	tb.Skip("today")
}
`},
	{path: "netlink/skipf_test.go", want: "skipped by need.Of", source: `package netlink

import "testing"

func TestSkippedf(t *testing.T) { t.Skipf("%d", 1) }
`},
	{path: "offload/lookpath_test.go", want: "asks for a program by need.Command", source: `package offload

import (
	"os/exec"
	"testing"
)

func TestWitness(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		return
	}
	t.Error("compared")
}
`},
	{path: "elf/init.go", want: "(gochecknoinits)", source: `package elf

// Count is set before main.
var Count int

func init() { Count = 1 }
`},
	{path: "elf/undocumented.go", want: "(revive)", source: `package elf

func Undocumented() int { return 1 }
`},
	{path: "elf/compare.go", want: "(errorlint)", source: `package elf

import (
	"errors"
	"io/fs"
)

// ErrOdd is an error.
var ErrOdd = errors.New("odd")

// Odd compares in a way that a wrapped error escapes.
func Odd(err error) bool { return err == ErrOdd || err == fs.ErrNotExist }
`},
	{path: "elf/switch.go", want: "(exhaustive)", source: `package elf

// Kind is an enumeration.
type Kind int

// The kinds.
const (
	KindA Kind = iota
	KindB
)

// Name leaves one kind out.
func Name(k Kind) string {
	switch k {
	case KindA:
		return "a"
	}
	return ""
}
`},
	{path: "elf/loop.go", want: "(modernize)", source: `package elf

// Sum counts by hand.
func Sum(n int) (sum int) {
	for i := 0; i < n; i++ {
		sum += i
	}
	return sum
}
`},
	{path: "elf/spelling.go", want: "(misspell)", source: `package elf

// Spelling is wrong in one word of this lang` + `auge.
const Spelling = 1
`},
	{path: "elf/param.go", want: "(unparam)", source: `package elf

import "errors"

// Twice calls a function with a result that is always the same.
func Twice(n int) (int, error) {
	if n < 0 {
		return 0, errors.New("negative")
	}
	a, err := constant(n)
	if err != nil {
		return 0, err
	}
	b, err := constant(n + 1)
	return a + b, err
}

func constant(n int) (int, error) {
	for range n {
		n += 2
	}
	return n, nil
}
`},
	{path: "elf/dir_test.go", want: "(usetesting)", source: `package elf

import (
	"os"
	"testing"
)

func TestDir(t *testing.T) {
	if _, err := os.MkdirTemp("", "x"); err != nil {
		t.Fatal(err)
	}
}
`},
	{path: "elf/nolint.go", want: "(nolintlint)", source: `package elf

//nolint
func Hidden() int { return 1 }
`},
	{path: "elf/format.go", want: "(gofumpt)", source: `package elf

// Padded has an empty line too many.
func Padded() int {

	return 1
}
`},
	{path: "elf/unchecked.go", want: "(errcheck)", source: `package elf

import "os"

// Gone forgets an error.
func Gone() { os.Remove("x") }
`},
}

var allowedCode = []planted{
	{path: "cmd/xdpload/main.go", source: `package main

import (
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Stdout, os.Getenv("NO_COLOR"))) }

func run(w io.Writer, words string) int {
	if _, err := fmt.Fprintln(w, words); err != nil {
		return 2
	}
	return 0
}
`},
	{path: "cmd/xdpload/internal/cli/run.go", source: `package cli

import (
	"io"
	"os"
)

// Output is in its place.
func Output() io.Writer { return os.Stdout }
`},
	{path: "cmd/xdpload/internal/env/color.go", source: `package env

import "os"

// Plain is in its place.
func Plain() bool { return os.Getenv("NO_COLOR") != "" }
`},
	{path: "internal/netns/do.go", source: `package netns

import "golang.org/x/sys/unix"

// Enter is in its place.
func Enter(fd int) error { return unix.Setns(fd, unix.CLONE_NEWNET) }
`},
	{path: "internal/sys/bpf.go", source: `package sys

import "golang.org/x/sys/unix"

// Call is in its place.
const Call = unix.SYS_BPF
`},
	{path: "pin/map.go", source: `package pin

import "github.com/cilium/ebpf"

// Keep is in its place.
func Keep(m *ebpf.Map) error { return m.Pin("/sys/fs/bpf/m") }
`},
	{path: "elf/read.go", source: `package elf

import (
	"io"
	"os"
)

// Head reads one byte.
func Head(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 1)
	_, err = io.ReadFull(f, b)
	return b, err
}
`},
	{path: "elf/child_test.go", source: `package elf

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("CHILD") != "" {
		os.Exit(3)
	}
	m.Run()
}
`},
	{path: "elf/example_test.go", source: `package elf_test

import "fmt"

func Example() {
	fmt.Println("printed")
	// Output: printed
}
`},
}
