package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/xdpload/xdpload/internal/peers"
)

// peerPackages have the programs of [peers.Names], and peerSuite their newest
// releases.
var peerPackages = []string{"iproute2", "bpftool", "xdp-tools", "veristat"}

const peerSuite = "sid"

// peersCommand is "vm peers".
func peersCommand(ctx context.Context, e *env, args []string) error {
	flags := flag.NewFlagSet("vm peers", flag.ContinueOnError)
	flags.SetOutput(e.stderr)
	update := flags.Bool("update", false, "fetch the newest releases, whatever is cached")
	if err := flags.Parse(args); err != nil {
		return exitStatus(2)
	}
	f, err := newFetcher(e)
	if err != nil {
		return err
	}
	f.update = *update
	dir, err := f.peers(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, dir)
	return nil
}

// peers returns the directory of the newest peers, and fetches them unless they
// are cached.
func (f *fetcher) peers(ctx context.Context) (string, error) {
	unlock, err := f.cache.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := peers.Bin(); f.update || errors.Is(err, peers.ErrNotFetched) {
		if err := f.fetchPeers(ctx); err != nil {
			return "", err
		}
	}
	return peers.Bin()
}

func (f *fetcher) fetchPeers(ctx context.Context) error {
	own, err := f.openAPT(ctx)
	if err != nil {
		return err
	}
	newest, err := openSuites(ctx, own, f.cache.path("apt-peers"), []string{peerSuite})
	if err != nil {
		return err
	}
	if err := newest.update(ctx); err != nil {
		return err
	}
	all, err := newest.withDependencies(ctx, peerPackages...)
	if err != nil {
		return err
	}
	f.note("fetching the newest " + strings.Join(peerPackages, ", "))
	return f.cache.publish("peers", func(dir string) error {
		if err := newest.unpack(ctx, dir, all...); err != nil {
			return err
		}
		patchelf, err := f.patchelf(ctx)
		if err != nil {
			return err
		}
		return settle(ctx, dir, f.cache.path("peers"), patchelf)
	})
}

// patchelf is the program that has others run from another place: the machine's,
// or one that is cached.
func (f *fetcher) patchelf(ctx context.Context) (string, error) {
	if file, err := exec.LookPath("patchelf"); err == nil {
		return file, nil
	}
	file := f.cache.path("patchelf", "usr/bin/patchelf")
	if exists(file) {
		return file, nil
	}
	err := f.cache.publish("patchelf", func(dir string) error { return f.apt.unpackMissing(ctx, dir, "patchelf") })
	return file, err
}

// settle moves the peers that were unpacked in dir to its bin, and has them use
// the loader and the libraries that lie with them once dir is called home.
func settle(ctx context.Context, dir, home, patchelf string) error {
	loaders, err := filepath.Glob(filepath.Join(dir, "usr/lib/*/ld-linux*"))
	if err != nil {
		return err
	}
	if len(loaders) != 1 {
		return fmt.Errorf("the packages of the peers have %d dynamic loaders", len(loaders))
	}
	loader := filepath.Join(home, strings.TrimPrefix(loaders[0], dir))
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		return err
	}
	for _, name := range peers.Names {
		to := filepath.Join(dir, "bin", name)
		if err := os.Rename(program(dir, name), to); err != nil {
			return err
		}
		// Libraries find others only by the older DT_RPATH of the program.
		c := exec.CommandContext(ctx, patchelf, "--set-interpreter", loader, "--force-rpath", "--set-rpath", filepath.Dir(loader), to)
		if _, err := outputOf(c); err != nil {
			return err
		}
	}
	return nil
}

// program is the file of an unpacked program, in one of the directories; the
// other may have a symbolic link to it.
func program(dir, name string) string {
	sbin := filepath.Join(dir, "usr/sbin", name)
	if info, err := os.Lstat(sbin); err == nil && info.Mode().IsRegular() {
		return sbin
	}
	return filepath.Join(dir, "usr/bin", name)
}
