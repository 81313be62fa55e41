// Command vm runs Go tests on another kernel, in a QEMU guest.
//
// The same static program is the wrapper on the host and process 1 in the
// guest. On the host it packs test binaries, the module's files, BusyBox and
// kernel modules into an initramfs, boots it, and brings the exit status, the
// output and the coverage files back.
//
//	vm test  [-kernel LIST] [-modules DIR] [-optional] [--] [go test arguments]
//	vm exec  [-kernel NAME] [-modules DIR] BINARY [arguments]
//	vm shell [-kernel NAME] [-modules DIR] [PROGRAM…]
//	vm fetch [-kernel LIST] [-update]
//	vm peers [-update]
//	vm emulator MACHINE
//
// The kernel is a series that Debian has ("6.12"), fetched into the user's
// cache, or the path of a kernel image. See docs/testing.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if os.Getpid() == 1 {
		guestMain()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// env is what a command may touch outside its arguments.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// exitStatus is an error that says nothing more than a process status: what
// there was to say is already printed.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run carries out one command line and returns the process status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	commands := map[string]func(context.Context, *env, []string) error{
		"test": testCommand, "exec": execCommand, "stage": stageCommand,
		"shell": shellCommand, "fetch": fetchCommand, "peers": peersCommand, "emulator": emulatorCommand,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprintln(stderr, "usage: vm test|exec|shell|fetch|peers|emulator [arguments]; see docs/testing.md")
		return 2
	}
	err := commands[args[0]](ctx, &env{stdin, stdout, stderr}, args[1:])
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(stderr, "vm: %s: %v\n", args[0], err)
	return 1
}
