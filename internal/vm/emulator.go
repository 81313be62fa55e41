package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
)

// emulated are the machines whose programs run here by QEMU's user emulation,
// which has other names for some than Go.
var emulated = map[string]string{"arm64": "aarch64", "s390x": "s390x"}

// emulatorCommand is "vm emulator": it prints the path of the program that runs
// those of another machine, for go test -exec.
func emulatorCommand(ctx context.Context, e *env, args []string) error {
	flags := flag.NewFlagSet("vm emulator", flag.ContinueOnError)
	flags.SetOutput(e.stderr)
	if err := flags.Parse(args); err != nil {
		return exitStatus(2)
	}
	machine, ok := emulated[flags.Arg(0)]
	if !ok || flags.NArg() != 1 {
		return errors.New("name one machine as GOARCH does, arm64 or s390x")
	}
	f, err := newFetcher(e)
	if err != nil {
		return err
	}
	path, err := f.emulator(ctx, "qemu-"+machine+"-static")
	if err == nil {
		fmt.Fprintln(e.stdout, path)
	}
	return err
}

// emulator finds the machine's own, or unpacks all into the cache.
func (f *fetcher) emulator(ctx context.Context, name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	unlock, err := f.cache.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	path := f.cache.path("emulators", "usr", "bin", name)
	if exists(path) {
		return path, nil
	}
	a, err := f.openAPT(ctx)
	if err != nil {
		return "", err
	}
	f.note("fetching QEMU's emulators of other machines' programs")
	return path, f.cache.publish("emulators", func(dir string) error { return a.unpack(ctx, dir, "qemu-user-static") })
}
