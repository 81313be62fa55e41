package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Calls are the system calls of one run.
type calls struct {
	BPF     int `json:"bpf"`
	Netlink int `json:"netlink"` // sends and receives on sockets
	All     int `json:"all"`
}

// calls counts the system calls of a contestant with strace.
func (l *lab) calls(w *world, who contestant) (*calls, error) {
	if who.reset != nil {
		if err := who.reset(w); err != nil {
			return nil, err
		}
	}
	table := filepath.Join(l.dir, "calls")
	c, err := l.spawn("", append([]string{l.tools["strace"], "-f", "-c", "-o", table, "--"}, l.argv(who)...)...)
	if err != nil {
		return nil, err
	}
	if err := c.expect(who.status); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(table)
	if err != nil {
		return nil, err
	}
	return parseCalls(text)
}

// parseCalls reads the table of strace -c: share, seconds, microseconds a
// call, calls, errors if any, name; the last line is the total.
func parseCalls(table []byte) (*calls, error) {
	var c calls
	for line := range bytes.Lines(table) {
		f := bytes.Fields(line)
		if len(f) < 5 || bytes.HasPrefix(f[0], []byte("%")) || bytes.HasPrefix(f[0], []byte("-")) {
			continue
		}
		n, err := strconv.Atoi(string(f[3]))
		if err != nil {
			return nil, fmt.Errorf("strace: %q: %w", line, err)
		}
		name := string(f[len(f)-1])
		switch {
		case name == "total":
			c.All = n
		case name == "bpf":
			c.BPF = n
		case slices.Contains([]string{"sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg"}, name):
			c.Netlink += n
		}
	}
	return &c, nil
}
