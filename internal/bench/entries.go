package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
)

// entries is how many a large map has.
const entries = 1_000_000

// table is where it is pinned.
const table = pins + "/table"

// entryCases are about a large map: 4 bytes to 8. They take seconds a run.
func entryCases() []testCase {
	return []testCase{
		{
			name: "map-load", about: "set 1,000,000 entries of a map",
			setup: withTable, rounds: 2, goals: []goal{{wall, "bpftool", 0.2}},
			contestants: []contestant{
				command("xdpload map load pinned " + table).from("entries.json"),
				command("bpftool batch file entries.batch"),
			},
		},
		{
			name: "map-dump", about: "print 1,000,000 entries as JSON",
			setup: withTable, rounds: 2, goals: []goal{{wall, "bpftool", 0.2}},
			contestants: []contestant{
				command("xdpload -json map dump pinned " + table),
				command("bpftool -j map dump pinned " + table),
			},
		},
	}
}

// withTable pins a map that is full, and writes its entries as either program
// reads them.
func withTable(w *world) error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "table", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: entries, Flags: 1}) // BPF_F_NO_PREALLOC
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Pin(table); err != nil {
		return err
	}
	keys, values := make([]uint32, entries), make([]uint64, entries)
	for i := range keys {
		keys[i], values[i] = uint32(i), uint64(i)*7
	}
	if _, err := m.BatchUpdate(keys, values, nil); err != nil {
		return err
	}
	return errors.Join(
		writeEntries(filepath.Join(w.dir, "entries.json"), keys, values, func(k, v []byte) string {
			return fmt.Sprintf("{\"key\":\"0x%x\",\"value\":\"0x%x\"}\n", k, v)
		}),
		writeEntries(filepath.Join(w.dir, "entries.batch"), keys, values, func(k, v []byte) string {
			return fmt.Sprintf("map update pinned %s key hex % x value hex % x\n", table, k, v)
		}),
	)
}

func writeEntries(path string, keys []uint32, values []uint64, line func(key, value []byte) string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	var k [4]byte
	var v [8]byte
	for i := range keys {
		for j := range k {
			k[j] = byte(keys[i] >> (8 * j))
		}
		for j := range v {
			v[j] = byte(values[i] >> (8 * j))
		}
		if _, err := out.WriteString(line(k[:], v[:])); err != nil {
			return err
		}
	}
	return out.Flush()
}
