package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
)

// fetcher brings what a guest needs into the cache.
type fetcher struct {
	cache  cache
	update bool              // look for a newer point release than the cached one
	note   func(line string) // told what goes on, and what had to be left out
	apt    *apt              // opened at its first use
	suites *apt              // the same, for what apt does not offer
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

// elsewhere are the Debian suites that have kernels of the series that the
// tests run on, and which the machine's own sources may lack: the oldest, and
// the newest.
var elsewhere = []string{"bullseye", "trixie-backports"}

// fetchKernel unpacks the newest point release of a series into the cache.
func (f *fetcher) fetchKernel(ctx context.Context, name string) error {
	a, err := f.openAPT(ctx)
	if err != nil {
		return err
	}
	packages, err := kernelPackages(ctx, a, name)
	if errors.Is(err, errNotOffered) {
		if a, err = f.openElsewhere(ctx); err != nil {
			return err
		}
		packages, err = kernelPackages(ctx, a, name)
	}
	if err != nil {
		return err
	}
	f.note("fetching " + strings.Join(packages, " "))
	return f.cache.publish(name, func(dir string) error { return a.unpack(ctx, dir, packages...) })
}

var errNotOffered = errors.New("not offered")

// kernelPackages are the packages, each "name=version", that the newest kernel of
// a series is in. Since 6.19.6 linux-image-X only brings linux-binary-X, with the
// image, linux-modules-X, and linux-base-X, with the configuration.
func kernelPackages(ctx context.Context, a *apt, series string) ([]string, error) {
	image, err := imagePackage(ctx, a, series)
	if err != nil {
		return nil, err
	}
	packages := []string{image.name + "=" + image.version}
	for _, part := range []string{"linux-binary-", "linux-modules-", "linux-base-"} {
		found, err := a.available(ctx, part+strings.TrimPrefix(image.name, "linux-image-"))
		if err != nil {
			return nil, err
		}
		if p := newest(ctx, found); p.name != "" {
			packages = append(packages, p.name+"="+p.version)
		}
	}
	return packages, nil
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
		return version{}, fmt.Errorf("%s*-amd64 is %w by apt: add a Debian release that has it to the "+
			"sources, or give an image by KERNEL=/boot/vmlinuz-… MODULES=/lib/modules/…", prefix, errNotOffered)
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

// openElsewhere opens apt for the suites that have more kernels, with fresh
// package lists.
func (f *fetcher) openElsewhere(ctx context.Context) (*apt, error) {
	if f.suites == nil {
		a, err := openSuites(ctx, f.apt, f.cache.path("apt-suites"), elsewhere)
		if err != nil {
			return nil, err
		}
		f.suites = a
	}
	return f.suites, f.suites.update(ctx)
}
