package main

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// wanted are the kernel modules that the tests may use. One that a kernel has
// built in, or does not have, is left out: the tests find out by trying.
var wanted = []string{
	"veth", "dummy", "ifb", "netkit", "psample", "netdevsim",
	"sch_ingress", "sch_htb", "cls_bpf", "cls_u32", "cls_matchall",
	"act_bpf", "act_gact", "act_mirred", "act_police",
}

// module is one kernel module, uncompressed.
type module struct {
	name string
	data []byte
}

// modules reads the wanted modules that are below dir or among the extra
// files, each after the modules that it depends on.
func modules(dir string, extra []string, wanted []string) ([]module, error) {
	files, err := moduleFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range extra {
		files[moduleName(f)] = f
	}
	var all []module
	seen := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		if seen[name] || files[name] == "" {
			return nil
		}
		seen[name] = true
		data, err := readModule(files[name])
		if err != nil {
			return err
		}
		deps, err := moduleDepends(data)
		if err != nil {
			return fmt.Errorf("%s: %w", files[name], err)
		}
		for _, d := range deps {
			if err := add(d); err != nil {
				return err
			}
		}
		all = append(all, module{name, data})
		return nil
	}
	for _, w := range wanted {
		if err := add(w); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// moduleFiles maps the names of all modules below dir to their files.
func moduleFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	if dir == "" {
		return files, nil
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".ko") {
			files[moduleName(p)] = p
		}
		return err
	})
	return files, err
}

// moduleName is the kernel's name of the module in a file: sch-x.ko.xz is sch_x.
func moduleName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// readModule returns the ELF file in a module file, which distributions
// compress in one of three ways.
func readModule(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	switch filepath.Ext(file) {
	case ".gz":
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return io.ReadAll(r)
	case ".xz":
		return filter(data, "xz", "-dc")
	case ".zst":
		return filter(data, "zstd", "-dc")
	}
	return data, nil
}

// filter runs a command on data and returns what it wrote.
func filter(data []byte, name string, args ...string) ([]byte, error) {
	c := exec.Command(name, args...)
	c.Stdin = bytes.NewReader(data)
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// moduleDepends reads the modules that a module needs from its section
// .modinfo, which holds "key=value" strings, each ended by a zero byte. The
// file modules.dep is not used: a package that is only unpacked has none.
func moduleDepends(data []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	s := f.Section(".modinfo")
	if s == nil {
		return nil, fmt.Errorf("no section .modinfo")
	}
	info, err := s.Data()
	if err != nil {
		return nil, err
	}
	var deps []string
	for kv := range bytes.SplitSeq(info, []byte{0}) {
		if list, ok := bytes.CutPrefix(kv, []byte("depends=")); ok && len(list) > 0 {
			for d := range strings.SplitSeq(string(list), ",") {
				deps = append(deps, moduleName(d))
			}
		}
	}
	return deps, nil
}
