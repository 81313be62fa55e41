package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// netdevsimSeries is the kernel that gets a netdevsim, the simulated device
// that programs can be offloaded to: Debian's kernels are built without it.
const netdevsimSeries = "6.12"

// buildNetdevsim builds the module for a cached kernel, from Debian's source
// and headers of the same version, and puts it into the cache.
func (f *fetcher) buildNetdevsim(ctx context.Context, k kernel) error {
	for _, tool := range []string{"gcc", "make", "strip", "tar", "xz"} {
		if _, err := exec.LookPath(tool); err != nil {
			return err
		}
	}
	a, err := f.openAPT(ctx)
	if err != nil {
		return err
	}
	f.note("building netdevsim for " + k.release())
	return f.cache.publish("extra-"+k.release(), func(dir string) error {
		work, err := os.MkdirTemp(f.cache.dir, "partial-build-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(work)
		if err := unpackBuild(ctx, a, work, k.release()); err != nil {
			return err
		}
		return makeNetdevsim(ctx, work, k.release(), dir)
	})
}

// unpackBuild unpacks the headers, their tools and the source that belong to
// a kernel release. All come from one source package, so have one version.
func unpackBuild(ctx context.Context, a *apt, work, release string) error {
	headers := "linux-headers-" + release
	found, err := a.available(ctx, headers)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("apt no longer offers %s; vm fetch -update brings a newer kernel", headers)
	}
	version := newest(ctx, found).version
	base := strings.TrimSuffix(release, "-amd64")
	names := []string{headers, "linux-headers-" + base + "-common", "linux-kbuild-" + base, "linux-source-" + netdevsimSeries}
	for i := range names {
		names[i] += "=" + version
	}
	return a.unpack(ctx, work, names...)
}

// makeNetdevsim compiles the module in an unpacked build tree, into dir.
func makeNetdevsim(ctx context.Context, work, release, dir string) error {
	const source = "drivers/net/netdevsim"
	archive := filepath.Join(work, "usr/src/linux-source-"+netdevsimSeries+".tar.xz")
	tar := exec.CommandContext(ctx, "tar", "-xJf", archive, "-C", work, "--wildcards", "--strip-components=1", "*/"+source)
	if _, err := outputOf(tar); err != nil {
		return err
	}
	headers := filepath.Join(work, "usr/src/linux-headers-"+release)
	// The package's Makefile names the common headers by their installed path.
	common := strings.TrimSuffix(headers, "-amd64") + "-common/Makefile"
	if err := os.WriteFile(filepath.Join(headers, "Makefile"), []byte("include "+common+"\n"), 0o644); err != nil {
		return err
	}
	m := filepath.Join(work, source)
	// Types for the module (BTF) would need pahole, and nothing here reads them.
	build := exec.CommandContext(ctx, "make", "-C", headers, "M="+m, "CC=gcc", "CONFIG_NETDEVSIM=m", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")
	if _, err := outputOf(build); err != nil {
		return err
	}
	_, err := outputOf(exec.CommandContext(ctx, "strip", "--strip-debug", "-o", filepath.Join(dir, "netdevsim.ko"), filepath.Join(m, "netdevsim.ko")))
	return err
}
