// Package netns runs a function inside a network namespace.
//
// Only the network namespace changes. The mount namespace stays the caller's,
// so that a BPF file system and its pins stay visible, which `ip netns exec`
// and `ip -n` hide (iproute2, lib/namespace.c).
package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Dir is where ip-netns(8) keeps the names of network namespaces.
const Dir = "/run/netns"

// Do calls fn inside the network namespace with that name and returns its
// error. The name is one of ip-netns(8), a path of a namespace file such as
// /proc/1/ns/net, or the id of a process that runs in the namespace. An empty
// name calls fn where the caller stands.
//
// fn runs on a thread of its own that is in the namespace; goroutines that fn
// starts are not. Sockets stay in the namespace in which they were made.
func Do(name string, fn func() error) error {
	if name == "" {
		return fn()
	}
	target, err := Open(name)
	if err != nil {
		return err
	}
	defer target.Close()
	return elsewhere(name, int(target.Fd()), fn)
}

// In is Do for the network namespace of an open descriptor, which stays the
// caller's. A calling thread that is in it already is not left: to find that out
// takes two calls of stat(2), and no /proc.
func In(fd int, fn func() error) error {
	var there, here unix.Stat_t
	if err := unix.Fstat(fd, &there); err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	err := statOwn(&here)
	if err == nil && here.Ino == there.Ino && here.Dev == there.Dev {
		return fn()
	}
	return elsewhere(fmt.Sprintf("inode %d", there.Ino), fd, fn)
}

// statOwn is stat(2) of the calling thread's namespace. Where there is no /proc, a
// socket has it, for those who have CAP_NET_ADMIN there.
func statOwn(st *unix.Stat_t) error {
	err := unix.Stat(own, st)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	fd, err := unix.IoctlRetInt(s, unix.SIOCGSKNS)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fstat(fd, st)
}

// own is the namespace of the calling thread.
const own = "/proc/thread-self/ns/net"

func elsewhere(name string, target int, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		defer close(done)
		done <- onThread(name, target, fn)
	}()
	err, ok := <-done
	if !ok {
		runtime.Goexit() // as fn has
	}
	return err
}

// onThread never leaves the thread to another goroutine unless it is back in
// the namespace where it came from: a locked thread dies with its goroutine.
func onThread(name string, target int, fn func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(own)
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	defer home.Close()
	if err := unix.Setns(target, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return &EnterError{Name: name, Err: err}
	}
	err = fn()
	if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
	return err
}

// EnterError says why a network namespace cannot be entered: EPERM without CAP_SYS_ADMIN in
// the user namespace that it belongs to.
type EnterError struct {
	Name string // as it was asked for, or its inode
	Err  error  // an errno
}

func (e *EnterError) Error() string {
	return fmt.Sprintf("enter network namespace %s: %v", e.Name, e.Err)
}

// Unwrap returns the error number.
func (e *EnterError) Unwrap() error { return e.Err }

// Open opens the network namespace that a name means to [Do]. The caller closes
// the file.
func Open(name string) (*os.File, error) {
	for _, path := range candidates(name) {
		f, err := os.Open(path)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("network namespace %s: %w", name, err)
		}
	}
	return nil, &NotFoundError{Name: name, Have: names()}
}

func candidates(name string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	paths := []string{filepath.Join(Dir, name)}
	if strings.Trim(name, "0123456789") == "" {
		paths = append(paths, filepath.Join("/proc", name, "ns/net"))
	}
	return paths
}

func names() []string {
	entries, err := os.ReadDir(Dir)
	if err != nil {
		return nil
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	return have
}

// NotFoundError says that no network namespace has that name.
type NotFoundError struct {
	Name string
	Have []string // the names there are, sorted
}

func (e *NotFoundError) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("no network namespace %q", e.Name)
	}
	return fmt.Sprintf("no network namespace %q, only %s", e.Name, strings.Join(e.Have, ", "))
}

// Is reports whether the target is os.ErrNotExist.
func (e *NotFoundError) Is(target error) bool { return target == os.ErrNotExist }
