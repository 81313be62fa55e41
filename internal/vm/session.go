package main

import (
	"bufio"
	"context"
	"errors"
	"os"
)

// runJobs runs all jobs on a kernel, in one guest. A job that breaks its guest
// costs another boot, for the jobs after it.
func runJobs(ctx context.Context, t tools, k kernel, b *bookkeeper) error {
	for b.next < len(b.jobs) {
		first := b.next
		err := bootPlan(ctx, t, k, plan{Jobs: b.jobs, First: b.next}, b)
		var broken *guestError
		switch {
		case err == nil:
			continue
		case !errors.As(err, &broken):
			return err
		case b.running:
			b.broken(broken)
		case b.next == first:
			return &bootError{k.name, broken}
		}
	}
	return nil
}

// bootError is a guest that broke off before it ran anything.
type bootError struct {
	kernel string
	guest  *guestError
}

func (e *bootError) Error() string {
	return "kernel " + e.kernel + " does not come up: " + e.guest.reason + "\n" + e.guest.console
}

func (e *bootError) Unwrap() error { return e.guest }

// bootPlan boots a guest with a plan.
func bootPlan(ctx context.Context, t tools, k kernel, p plan, b *bookkeeper) error {
	initrd, remove, err := initramfs(k, t, p)
	if err != nil {
		return err
	}
	defer remove()
	return boot(ctx, t, k, initrd, b)
}

// initramfs writes the guest's file system into a temporary file.
func initramfs(k kernel, t tools, p plan) (name string, remove func(), err error) {
	f, err := os.CreateTemp("", "xdpload-vm-*.cpio")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.Remove(f.Name()) }
	w := bufio.NewWriterSize(f, 1<<20)
	err = errors.Join(writeInitramfs(w, k, t, p), w.Flush(), f.Close())
	if err != nil {
		remove()
		return "", nil, err
	}
	return f.Name(), remove, nil
}
