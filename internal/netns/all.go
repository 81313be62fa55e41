package netns

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// A Namespace is a network namespace that [Do] can enter.
type Namespace struct {
	Name  string // of ip-netns(8); empty without
	PID   int    // of a process in it, 0 if it was found by its name
	Path  string // for [Do]
	Inode uint64 // which tells namespaces apart
}

// All lists the network namespaces that can be found: that of the calling
// thread first, then those with a name, then those of processes. Each is
// there once.
func All() []Namespace {
	var all []Namespace
	add := func(n Namespace) {
		var st unix.Stat_t
		if unix.Stat(n.Path, &st) != nil {
			return // gone, or not to be looked at
		}
		n.Inode = st.Ino
		i := slices.IndexFunc(all, func(o Namespace) bool { return o.Inode == n.Inode })
		switch {
		case i < 0:
			all = append(all, n)
		case all[i].Name == "" && n.Name != "":
			all[i].Name = n.Name
		case all[i].PID == os.Getpid() && n.PID != 0:
			all[i].PID = n.PID // one that is likely to live longer
		}
	}
	add(Namespace{PID: os.Getpid(), Path: own})
	for _, n := range Named() {
		add(n)
	}
	for _, pid := range processes() {
		add(Namespace{PID: pid, Path: filepath.Join("/proc", strconv.Itoa(pid), "ns/net")})
	}
	return all
}

// Named lists the network namespaces that have a name, without their inodes.
func Named() []Namespace {
	var named []Namespace
	for _, name := range names() {
		named = append(named, Namespace{Name: name, Path: filepath.Join(Dir, name)})
	}
	return named
}

// Gone reports whether the namespace is no longer at its path: that of a
// process leaves with it at any time.
func (n Namespace) Gone() bool {
	var st unix.Stat_t
	return unix.Stat(n.Path, &st) != nil || st.Ino != n.Inode
}

func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	entries, _ := dir.Readdirnames(-1) // as far as it can be read
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}
