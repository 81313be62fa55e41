package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// machine is what QEMU emulates. The accelerator is always its own emulator:
// a /dev/kvm that is there may still not work, and a hang is worse than slow.
// One CPU runs, of two possible ones, so that per-CPU maps have two values: with
// two, kernels now and then died at boot of an int3 in sched_clock_cpu (QEMU 7.2): as if
// the emulator ran an instruction that the other CPU had just patched.
var machine = []string{
	"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
	"-accel", "tcg", "-cpu", "max", "-smp", "1,maxcpus=2",
	"-m", "1536", // MB, of which half is for the root file system, with the test binaries
}

// commandLine makes the kernel panic at the first oops, so that a broken
// kernel fails a test instead of limping on, and reboot at once on a panic,
// which -no-reboot turns into QEMU's end. It takes the timer for granted: on a busy
// machine the emulated one is late, and a kernel that counts its ticks at boot panics.
const commandLine = "console=ttyS0 rdinit=/init oops=panic panic=-1 no_timer_check " + guestMark

// guestMark is in /proc/cmdline of a guest, and of no other machine: a test
// that breaks the kernel looks for it first.
const guestMark = "xdpload.guest=1"

// qemuCommand is QEMU with a kernel and its initramfs.
func qemuCommand(ctx context.Context, t tools, k kernel, initrd, extraLine string) *exec.Cmd {
	args := append([]string{}, machine...)
	args = append(args, "-kernel", k.image, "-initrd", initrd, "-append", commandLine+" "+extraLine)
	c := t.command(ctx, args...)
	// The guest must not outlive this program, however it ends.
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// guestError says why a guest ended before it was done.
type guestError struct {
	reason  string
	console string // the end of the kernel's log
}

func (e *guestError) Error() string { return e.reason }

// boot runs a guest until it ends, and hands its events to b.
func boot(ctx context.Context, t tools, k kernel, initrd string, b *bookkeeper) error {
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	c := qemuCommand(ctx, t, k, initrd, "quiet")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	var ports [3]*os.File
	for i := range ports {
		r, err := attachPort(c, i)
		if err != nil {
			return err
		}
		defer r.Close()
		ports[i] = r
	}
	err := c.Start()
	for _, w := range c.ExtraFiles {
		w.Close() // QEMU's ends
	}
	if err != nil {
		return err
	}
	console, output := collect(ports[0]), collect(ports[1])
	b.output = output
	b.follow(ports[2], kill)
	err = c.Wait()
	return explain(ctx, b.done, err, stderr.String(), console.end())
}

// attachPort makes the guest's serial port i a pipe from QEMU.
func attachPort(c *exec.Cmd, i int) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fd := 3 + len(c.ExtraFiles)
	c.ExtraFiles = append(c.ExtraFiles, w)
	c.Args = append(c.Args,
		"-chardev", fmt.Sprintf("file,id=port%d,path=/dev/fd/%d", i, fd),
		"-serial", fmt.Sprintf("chardev:port%d", i))
	return r, nil
}

// explain turns the end of a guest that was not done into an error.
func explain(ctx context.Context, done bool, err error, stderr, console string) error {
	e := &guestError{console: tail(console, 60)}
	var silent *silence
	switch cause := context.Cause(ctx); {
	case done:
		return nil
	case errors.As(cause, &silent):
		e.reason = "kernel hang: " + silent.Error()
	case cause != nil:
		return cause // interrupted
	case err != nil:
		return fmt.Errorf("QEMU: %w: %s", err, strings.TrimSpace(stderr))
	default:
		e.reason = "the guest ended before the tests did"
	}
	if line := panicLine(console); line != "" {
		e.reason = line
	}
	return e
}

// panicLine finds the kernel's own word on its end in its log.
func panicLine(console string) string {
	const mark = "Kernel panic - not syncing"
	for line := range strings.Lines(console) {
		if _, reason, ok := strings.Cut(line, mark); ok {
			return "kernel panic" + strings.TrimSpace(reason)
		}
	}
	return ""
}

// tail is the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.SplitAfter(strings.ReplaceAll(text, "\r", ""), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
