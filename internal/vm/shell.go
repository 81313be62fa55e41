package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
)

// shellCommand is "vm shell": a shell in a guest, on this terminal.
func shellCommand(ctx context.Context, e *env, args []string) error {
	var o kernelOptions
	flags := flag.NewFlagSet("vm shell", flag.ContinueOnError)
	flags.SetOutput(e.stderr)
	o.register(flags, "6.12")
	if err := o.parse(flags, args); err != nil {
		return err
	}
	t, k, err := o.one(ctx, e)
	if err != nil {
		return err
	}
	p := plan{Shell: true}
	if p.Dir, err = os.Getwd(); err != nil {
		return err
	}
	for _, a := range flags.Args() {
		program, err := filepath.Abs(a)
		if err != nil {
			return err
		}
		p.Programs = append(p.Programs, program)
	}
	initrd, remove, err := initramfs(k, t, p)
	if err != nil {
		return err
	}
	defer remove()
	c := qemuCommand(ctx, t, k, initrd, "quiet TERM="+os.Getenv("TERM"))
	// ^A x ends QEMU; everything else, ^C too, goes to the guest.
	c.Args = append(c.Args, "-serial", "mon:stdio")
	c.Stdin, c.Stdout, c.Stderr = e.stdin, e.stdout, e.stderr
	return c.Run()
}
