package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// writeInitramfs writes the guest's root file system. It is not compressed:
// QEMU copies it into the guest's memory at once, and an emulated CPU would
// take longer to unpack it.
func writeInitramfs(w io.Writer, k kernel, t tools, p plan) error {
	a := newArchive(w)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	a.skeleton()
	steps := []func() error{
		func() error { return a.copy("init", self) },
		func() error { return a.program("vm/busybox", t.busybox) },
		func() error { return a.addModules(k) },
		a.addWitnesses,
		a.addPeers,
		a.addShell,
		func() error { return a.addPlan(p) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("initramfs: %w", err)
		}
	}
	return a.close()
}

// skeleton adds the directories and files that programs take for granted.
func (a *archive) skeleton() {
	for _, d := range []string{"dev", "proc", "sys", "run", "tmp", "root", "etc", "bin", "sbin", "usr/bin", "usr/sbin", "var", moduleDir, binDir} {
		a.dir(d)
	}
	a.symlink("var/run", "/run")
	a.symlink("etc/mtab", "/proc/mounts")
	a.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"))
	a.file("etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	a.file("etc/hosts", 0o644, []byte("127.0.0.1 localhost\n::1 localhost\n"))
}

// addShell adds the host's shell as /bin/sh. BusyBox's own would run its own
// ip and tc, whatever PATH says, so it only stands in where there is no other.
func (a *archive) addShell() error {
	a.symlink("usr/bin/env", "/vm/busybox")
	if exists("/bin/bash") { // by the path that scripts name
		if err := a.program("/bin/bash", "/bin/bash"); err != nil {
			return err
		}
	}
	if exists("/bin/sh") {
		return a.program("/bin/sh", "/bin/sh")
	}
	a.symlink("bin/sh", "/vm/busybox")
	return nil
}

// addModules adds the wanted modules, and the kernel's configuration at the place at which
// libbpf looks for it.
func (a *archive) addModules(k kernel) error {
	if exists(k.config()) {
		if err := a.copy("boot/config-"+k.release(), k.config()); err != nil {
			return err
		}
	}
	mods, err := modules(k.modules, k.extra, wanted)
	if err != nil {
		return err
	}
	for i, m := range mods {
		a.file(fmt.Sprintf("%s/%03d-%s.ko", moduleDir, i, m.name), 0o644, m.data)
	}
	return nil
}

// addPlan adds the plan, the binaries of its jobs, and the files of the
// modules that they test.
func (a *archive) addPlan(p plan) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	a.file(planPath, 0o644, data)
	for _, file := range p.Programs {
		if err := a.program(filepath.Join(shellBin, filepath.Base(file)), file); err != nil {
			return err
		}
	}
	if p.Shell {
		return a.tree(p.Dir)
	}
	for i, j := range p.Jobs[p.First:] {
		if err := a.program(binaryPath(p.First+i, j), j.Binary); err != nil {
			return err
		}
		if err := a.tree(j.Dir); err != nil {
			return err
		}
		if err := a.arguments(j); err != nil {
			return err
		}
	}
	return nil
}

// arguments adds the files that the arguments of a job name, at the same path:
// outside a module nothing else comes along.
func (a *archive) arguments(j job) error {
	for _, file := range j.Args {
		if !filepath.IsAbs(file) {
			file = filepath.Join(j.Dir, file)
		}
		st, err := os.Stat(file)
		if err != nil || !st.Mode().IsRegular() {
			continue // another word
		}
		if err := a.copy(file, file); err != nil {
			return err
		}
	}
	return nil
}

// tree adds a directory and the files of the module that it is in, at the same
// path, so that a test finds its testdata and the documents it compares. What
// was built, and what a dot hides, stays behind.
func (a *archive) tree(dir string) error {
	a.dir(dir)
	root, module := moduleRoot(dir)
	if module == "" || a.seen["tree:"+root] {
		return nil
	}
	a.seen["tree:"+root] = true
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == root {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".")
		switch {
		case d.IsDir() && (hidden || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir():
			a.dir(p)
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			a.symlink(p, target)
		case d.Type().IsRegular() && !hidden && filepath.Ext(p) != ".test":
			return a.copy(p, p)
		}
		return nil
	})
}
