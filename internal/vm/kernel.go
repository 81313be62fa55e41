package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// kernel is a kernel that a guest can boot.
type kernel struct {
	name    string   // as the user said it: "6.12", or the image's base name
	image   string   // the compressed image, vmlinuz
	modules string   // the directory /lib/modules/RELEASE that belongs to it; "" for none
	extra   []string // module files from elsewhere
}

// series is the form of a Debian kernel's name: two numbers.
var series = regexp.MustCompile(`^[0-9]+\.[0-9]+$`)

// ownKernel is a kernel of the user's own, an image file.
func ownKernel(image, modules string) (kernel, error) {
	if _, err := os.Stat(image); err != nil {
		return kernel{}, fmt.Errorf("kernel %q is neither a series such as 6.12 nor a kernel image: %w", image, err)
	}
	if modules != "" {
		if info, err := os.Stat(modules); err != nil {
			return kernel{}, fmt.Errorf("modules: %w", err)
		} else if !info.IsDir() {
			return kernel{}, fmt.Errorf("modules: %s is not a directory such as /lib/modules/RELEASE", modules)
		}
	}
	return kernel{name: filepath.Base(image), image: image, modules: modules}, nil
}

// cachedKernel is the kernel of a series in the cache, if it is there.
func (c cache) cachedKernel(name string) (kernel, error) {
	k := kernel{name: name}
	var images []string
	for _, place := range []string{"boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz"} { // the second since 6.19.6
		found, err := filepath.Glob(c.path(name, place))
		if err != nil {
			return k, err
		}
		images = append(images, found...)
	}
	if len(images) != 1 {
		return k, fmt.Errorf("kernel %s: %w", name, errNotCached)
	}
	k.image = images[0]
	release := k.release()
	k.modules = c.path(name, "lib", "modules", release)
	if !exists(k.modules) {
		k.modules = c.path(name, "usr", "lib", "modules", release)
	}
	var err error
	k.extra, err = filepath.Glob(c.path("extra-"+release, "*.ko"))
	return k, err
}

// release is the kernel's release, as uname -r prints it, by the image's name,
// or that of its directory.
func (k kernel) release() string {
	if dir, name := filepath.Split(k.image); name == "vmlinuz" {
		return filepath.Base(dir)
	}
	return strings.TrimPrefix(filepath.Base(k.image), "vmlinuz-")
}

// config is the file that lists the options the kernel was built with, where
// distributions put it: beside the image.
func (k kernel) config() string {
	dir, name := filepath.Split(k.image)
	return dir + strings.Replace(name, "vmlinuz", "config", 1)
}

var errNotCached = errors.New("not in the cache")
