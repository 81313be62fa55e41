package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// fetcher brings what a guest needs into the cache.
type fetcher struct {
	cache  cache
	update bool              // look for a newer point release than the cached one
	note   func(line string) // told what goes on, and what had to be left out
	apt    *apt              // opened at its first use
}

// fetchCommand is "vm fetch".
func fetchCommand(ctx context.Context, e *env, args []string) error {
	var o kernelOptions
	flags := flag.NewFlagSet("vm fetch", flag.ContinueOnError)
	flags.SetOutput(e.stderr)
	o.register(flags, defaultKernels)
	update := flags.Bool("update", false, "fetch the newest point release, whatever is cached")
	if err := o.parse(flags, args); err != nil {
		return err
	}
	f, err := newFetcher(e)
	if err != nil {
		return err
	}
	f.update = *update
	if _, err := f.tools(ctx); err != nil {
		return err
	}
	for _, name := range o.names() {
		k, err := f.kernel(ctx, name, o.modules)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, k.name, k.image, k.modules, strings.Join(k.extra, " "))
	}
	return nil
}

func newFetcher(e *env) (*fetcher, error) {
	c, err := openCache()
	return &fetcher{cache: c, note: noteTo(e)}, err
}

// kernel finds a kernel by its name, and fetches one that Debian has.
func (f *fetcher) kernel(ctx context.Context, name, modules string) (kernel, error) {
	if !series.MatchString(name) {
		return ownKernel(name, modules)
	}
	unlock, err := f.cache.lock()
	if err != nil {
		return kernel{}, err
	}
	defer unlock()
	if _, err := f.cache.cachedKernel(name); f.update || errors.Is(err, errNotCached) {
		if err := f.fetchKernel(ctx, name); err != nil {
			return kernel{}, fmt.Errorf("kernel %s: %w", name, err)
		}
	}
	k, err := f.cache.cachedKernel(name)
	if err != nil || name != netdevsimSeries || len(k.extra) > 0 {
		return k, err
	}
	if err := f.buildNetdevsim(ctx, k); err != nil {
		f.note(fmt.Sprintf("kernel %s has no netdevsim, and tests that need it cannot run: %v", name, err))
	}
	return f.cache.cachedKernel(name)
}

// fetchKernel unpacks the newest point release of a series into the cache.
func (f *fetcher) fetchKernel(ctx context.Context, name string) error {
	a, err := f.openAPT(ctx)
	if err != nil {
		return err
	}
	pkg, err := imagePackage(ctx, a, name)
	if err != nil {
		return err
	}
	f.note("fetching " + pkg.name + " " + pkg.version)
	return f.cache.publish(name, func(dir string) error {
		return a.unpack(ctx, dir, pkg.name+"="+pkg.version)
	})
}

// plainImage matches the names of a series' kernel packages, which differ from
// release to release, and not those of its variants: linux-image-6.1.0-56-amd64,
// linux-image-6.12.117+deb12-amd64.
func plainImage(series string) *regexp.Regexp {
	return regexp.MustCompile(`^linux-image-` + regexp.QuoteMeta(series) + `\.[0-9]+(-[0-9]+)?(\+[a-z0-9]+)?-amd64$`)
}

// imagePackage is the newest kernel package of a series.
func imagePackage(ctx context.Context, a *apt, series string) (version, error) {
	prefix := "linux-image-" + series + "."
	names, err := a.names(ctx, prefix)
	if err != nil {
		return version{}, err
	}
	plain := plainImage(series)
	var images []string
	for _, n := range names {
		if plain.MatchString(n) {
			images = append(images, n)
		}
	}
	all, err := a.available(ctx, images...)
	if err != nil {
		return version{}, err
	}
	if len(all) == 0 {
		return version{}, fmt.Errorf("apt offers no %s*-amd64: add a Debian release that has it to the "+
			"sources, or give an image by KERNEL=/boot/vmlinuz-… MODULES=/lib/modules/…", prefix)
	}
	return newest(ctx, all), nil
}

// openAPT opens apt with fresh package lists.
func (f *fetcher) openAPT(ctx context.Context) (*apt, error) {
	if f.apt == nil {
		a, err := openAPT(f.cache.path("apt"))
		if err != nil {
			return nil, err
		}
		f.apt = a
	}
	return f.apt, f.apt.update(ctx)
}

// tools are the host programs that a guest needs.
type tools struct {
	qemu    string
	data    []string // directories with QEMU's firmware; none: where it was built for
	libs    string   // directory with QEMU's libraries; "": the system's
	busybox string
}

// tools finds QEMU and BusyBox, or unpacks them into the cache.
func (f *fetcher) tools(ctx context.Context) (tools, error) {
	qemu, errQEMU := exec.LookPath("qemu-system-x86_64")
	busybox, errBox := exec.LookPath("busybox")
	if errQEMU == nil && errBox == nil {
		return tools{qemu: qemu, busybox: busybox}, nil
	}
	unlock, err := f.cache.lock()
	if err != nil {
		return tools{}, err
	}
	defer unlock()
	if t := f.cache.cachedTools(); t.run(ctx) {
		return t, nil
	}
	if err := f.fetchTools(ctx); err != nil {
		return tools{}, fmt.Errorf("QEMU and BusyBox: %w; install qemu-system-x86 and busybox-static", err)
	}
	if t := f.cache.cachedTools(); t.run(ctx) {
		return t, nil
	}
	return tools{}, errors.New("the QEMU in the cache does not run; install qemu-system-x86 and busybox-static")
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
