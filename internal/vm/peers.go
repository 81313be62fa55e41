package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/internal/peers"
)

// peerSuite is the Debian suite that has the newest releases of [peers.Programs].
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
	return f.cache.publish("peers", func(dir string) error { return f.unpackPeers(ctx, newest, dir) })
}

// unpackPeers makes of dir what is to be the directory of the peers.
func (f *fetcher) unpackPeers(ctx context.Context, from *apt, dir string) error {
	patchelf, err := f.patchelf(ctx)
	if err != nil {
		return err
	}
	var packages []string
	for _, p := range peers.Programs {
		packages = append(packages, p.Package)
	}
	packages = slices.Compact(packages)
	f.note("fetching the newest " + strings.Join(packages, ", "))
	all, err := from.withDependencies(ctx, packages...)
	if err != nil {
		return err
	}
	if err := from.unpack(ctx, dir, all...); err != nil {
		return err
	}
	if err := settle(ctx, dir, f.cache.path("peers"), patchelf); err != nil {
		return err
	}
	versions, err := from.available(ctx, packages...)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bin", peers.VersionsFile), []byte(peerVersions(versions)), 0o644)
}

// peerVersions are lines of the programs and the versions of their packages.
func peerVersions(of []version) string {
	var lines strings.Builder
	for _, p := range peers.Programs {
		for _, v := range of {
			if v.name == p.Package {
				fmt.Fprintln(&lines, p.Name, upstream(v.version))
			}
		}
	}
	return lines.String()
}

// upstream is a version without what is Debian's own: 7.8.0 of "7.8.0+7.2.13-1".
func upstream(version string) string {
	if _, after, epoch := strings.Cut(version, ":"); epoch {
		version = after
	}
	if end := strings.IndexAny(version, "+-~"); end >= 0 {
		version = version[:end]
	}
	return version
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
	for _, p := range peers.Programs {
		to := filepath.Join(dir, "bin", p.Name)
		if err := os.Rename(program(dir, p.Name), to); err != nil {
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
