package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// tools are the host programs that a guest needs.
type tools struct {
	qemu    string
	data    []string // directories with QEMU's firmware; none: where it was built for
	libs    string   // directory with QEMU's libraries; "": the system's
	busybox string
}

// tools finds QEMU and BusyBox, or unpacks them into the cache.
func (f *fetcher) tools(ctx context.Context) (tools, error) {
	if t, err := f.cache.tools(ctx); err == nil {
		return t, nil
	}
	unlock, err := f.cache.lock()
	if err != nil {
		return tools{}, err
	}
	defer unlock()
	if t, err := f.cache.tools(ctx); err == nil {
		return t, nil
	}
	if err := f.fetchTools(ctx); err != nil {
		return tools{}, fmt.Errorf("QEMU and BusyBox: %w; install qemu-system-x86 and busybox-static", err)
	}
	if t, err := f.cache.tools(ctx); err == nil {
		return t, nil
	}
	return tools{}, errors.New("the QEMU in the cache does not run; install qemu-system-x86 and busybox-static")
}

// tools are QEMU and BusyBox of the machine, or those in the cache.
func (c cache) tools(ctx context.Context) (tools, error) {
	qemu, errQEMU := exec.LookPath("qemu-system-x86_64")
	busybox, errBox := exec.LookPath("busybox")
	if errQEMU == nil && errBox == nil {
		return tools{qemu: qemu, busybox: busybox}, nil
	}
	if t := c.cachedTools(); t.run(ctx) {
		return t, nil
	}
	return tools{}, fmt.Errorf("QEMU and BusyBox: %w", errNotCached)
}

func (f *fetcher) fetchTools(ctx context.Context) error {
	a, err := f.openAPT(ctx)
	if err != nil {
		return err
	}
	f.note("fetching QEMU and BusyBox")
	return f.cache.publish("tools", func(dir string) error {
		return a.unpackMissing(ctx, dir, "qemu-system-x86", "busybox-static")
	})
}

func (c cache) cachedTools() tools {
	usr := c.path("tools", "usr")
	return tools{
		qemu:    usr + "/bin/qemu-system-x86_64",
		data:    []string{usr + "/share/qemu", usr + "/share/seabios"},
		libs:    usr + "/lib/x86_64-linux-gnu:" + c.path("tools", "lib/x86_64-linux-gnu"),
		busybox: c.busybox(),
	}
}

// busybox is in /bin or, since Debian 13, in /usr/bin.
func (c cache) busybox() string {
	if b := c.path("tools", "bin/busybox"); exists(b) {
		return b
	}
	return c.path("tools", "usr/bin/busybox")
}

// run reports whether the programs start.
func (t tools) run(ctx context.Context) bool {
	return t.command(ctx, "--version").Run() == nil && exec.CommandContext(ctx, t.busybox, "true").Run() == nil
}

// command is a QEMU command with its firmware and libraries found.
func (t tools) command(ctx context.Context, args ...string) *exec.Cmd {
	for _, d := range t.data {
		args = append([]string{"-L", d}, args...)
	}
	c := exec.CommandContext(ctx, t.qemu, args...)
	if t.libs != "" {
		c.Env = append(c.Environ(), "LD_LIBRARY_PATH="+t.libs)
	}
	return c
}
