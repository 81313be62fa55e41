package mapdata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/btfjson"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

// An Assignment gives a value, or the part of it that Member names as ".peers[1].port", a
// word. Of a structure or array in JSON, what is left out stays as it is.
type Assignment struct{ Member, Value string }

// attempts bounds how often a change is tried that others overtake.
const attempts = 16

// Set changes the entry as all assignments ask for, on every CPU, or makes it. What they
// leave out of an entry that is there stays as it is, on every CPU its own, and is zero in a
// new one. Of a map that can be mapped into memory nothing else is written; of others the
// value is read, and written as a whole, so that what programs change meanwhile is lost.
func (d *Map) Set(key string, all ...Assignment) error {
	k, err := d.parseKey(key)
	if err != nil {
		return err
	}
	whole, err := d.whole(all)
	if err != nil {
		return err
	}
	switch {
	case whole != nil:
		_, err = d.update(k, d.onEveryCPU(whole), 1)
	case d.mappable():
		err = d.setMapped(k, all)
	default:
		err = d.change(k, all)
	}
	if err != nil {
		return fmt.Errorf("key %s: %w", key, err)
	}
	return nil
}

// OnlyKey is the key of a map that has room for one element only, as that of a section of
// variables has.
func (d *Map) OnlyKey() (key string, ok bool) {
	return "0x00000000", d.isArray() && d.info.MaxEntries == 1
}

// whole is the value of one CPU, nil if the assignments leave something out.
func (d *Map) whole(all []Assignment) ([]byte, error) {
	value, other := make([]byte, d.info.ValueSize), bytes.Repeat([]byte{0xff}, int(d.info.ValueSize))
	if err := update(d.value, value, all...); err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	if err := update(d.value, other, all...); err != nil || !bytes.Equal(value, other) {
		return nil, err
	}
	return value, nil
}

// update writes what the assignments ask for into a value.
func update(c *btfjson.Codec, value []byte, all ...Assignment) error {
	for _, a := range all {
		part, err := c.Part(a.Member)
		if err == nil {
			err = part.Update(value, a.Value)
		}
		if err != nil && a.Member != "" {
			return fmt.Errorf("%s: %w", a.Member, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Map) onEveryCPU(one []byte) []byte {
	value := make([]byte, d.valueSize())
	for _, v := range d.perCPU(value) {
		copy(v, one)
	}
	return value
}

// change reads the value, and writes it with the change.
func (d *Map) change(key []byte, all []Assignment) error {
	for range attempts {
		value, err := d.m.LookupBytes(key)
		flags := d.onlyIf(value != nil)
		if err != nil {
			return fmt.Errorf("what is left out of the value cannot be read, and would be zero: %w", kernelname.Refusal(err))
		}
		if value == nil {
			value = make([]byte, d.valueSize())
		}
		for _, v := range d.perCPU(value) {
			if err := update(d.value, v, all...); err != nil {
				return err
			}
		}
		err = d.put(key, value, flags)
		if flags == unix.BPF_ANY || !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOENT) {
			return d.explain(err)
		}
	}
	return errors.New("others make and remove the entry all the time")
}

// onlyIf is the flag that has an update refused where the entry came or went meanwhile,
// of maps whose entries do.
func (d *Map) onlyIf(there bool) uint64 {
	switch d.m.Type() {
	case ebpf.Hash, ebpf.PerCPUHash, ebpf.LRUHash, ebpf.LRUCPUHash, ebpf.LPMTrie:
		if there {
			return unix.BPF_EXIST
		}
		return unix.BPF_NOEXIST
	}
	return unix.BPF_ANY
}

func (d *Map) mappable() bool {
	return d.m.Type() == ebpf.Array && d.info.Flags&unix.BPF_F_MMAPABLE != 0
}

// setMapped writes nothing but what is asked for. The assignments have been tried.
func (d *Map) setMapped(key []byte, all []Assignment) error {
	i, stride := int(binary.NativeEndian.Uint32(key)), (int(d.info.ValueSize)+7)&^7
	if i >= int(d.info.MaxEntries) {
		return d.explain(unix.E2BIG)
	}
	memory, err := unix.Mmap(d.m.FD(), 0, stride*int(d.info.MaxEntries), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return d.change(key, all)
	}
	err = update(d.value, memory[i*stride:][:d.info.ValueSize], all...)
	return errors.Join(err, unix.Munmap(memory))
}

// update writes n entries that lie one after the other, and returns how many it has
// written.
func (d *Map) update(keys, values []byte, n int) (int, error) {
	done, err := d.write(keys, values, n)
	return done, d.explain(err)
}

// FrozenError says that nobody can change what a map holds, whatever he may do.
type FrozenError struct{ Err error }

func (e *FrozenError) Error() string {
	return "the map is frozen: what it holds can be set only when the object is loaded: " + e.Err.Error()
}

// Unwrap returns the kernel's refusal.
func (e *FrozenError) Unwrap() error { return e.Err }

// explain says what the number of an error means here.
func (d *Map) explain(err error) error {
	switch {
	case errors.Is(err, unix.E2BIG):
		return fmt.Errorf("no room for the entry, the map holds %d: %w", d.info.MaxEntries, err)
	case errors.Is(err, unix.EPERM):
		if info, infoErr := d.m.Info(); infoErr == nil && info.Frozen() {
			return &FrozenError{err}
		}
	}
	return err
}

func (d *Map) write(keys, values []byte, n int) (int, error) {
	if _, ok := d.held(); !ok {
		done, err := sys.UpdateBatch(d.m.FD(), keys, values, n)
		if !noBatch(err) {
			return done, err
		}
	}
	ks, vs := int(d.info.KeySize), d.valueSize()
	for i := range n {
		if err := d.put(keys[i*ks:][:ks], values[i*vs:][:vs], unix.BPF_ANY); err != nil {
			return i, err
		}
	}
	return n, nil
}

// put writes one entry; the program or map in it is opened by its id.
func (d *Map) put(key, value []byte, flags uint64) error {
	if offset, ok := d.held(); ok {
		with, open, err := d.withDescriptor(value, offset)
		if err != nil {
			return err
		}
		defer open.Close()
		value = with
	}
	return sys.UpdateElem(d.m.FD(), key, value, flags)
}
