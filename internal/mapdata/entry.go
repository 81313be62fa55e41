package mapdata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/btfjson"
	"github.com/xdpload/xdpload/internal/sys"
)

// An Entry is one entry as the kernel has it.
type Entry struct {
	d          *Map
	key, value []byte
}

// MarshalJSON writes the object that the package describes.
func (e Entry) MarshalJSON() ([]byte, error) { return e.d.appendJSON(nil, e.key, e.value), nil }

// AppendText appends lines for people.
func (e Entry) AppendText(dst []byte) []byte { return e.d.appendText(dst, e.key, e.value) }

func (d *Map) appendJSON(dst, key, value []byte) []byte {
	dst = append(dst, `{"key":`...)
	dst = d.key.Append(dst, key)
	if d.cpus == 0 {
		dst = append(dst, `,"value":`...)
		return append(d.value.Append(dst, value), '}')
	}
	dst = append(dst, `,"values":[`...)
	for i, v := range d.perCPU(value) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"cpu":`...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, `,"value":`...)
		dst = append(d.value.Append(dst, v), '}')
	}
	dst = append(dst, ']')
	if d.value.Typed() {
		dst = append(dst, `,"sum":`...)
		dst = d.value.AppendSum(dst, d.perCPU(value))
	}
	return append(dst, '}')
}

func (d *Map) appendText(dst, key, value []byte) []byte {
	dst = append(d.key.Append(dst, key), ':')
	if d.cpus == 0 {
		dst = append(dst, ' ')
		return append(d.value.Append(dst, value), '\n')
	}
	for i, v := range d.perCPU(value) {
		dst = fmt.Appendf(dst, "\n  cpu %d: ", i)
		dst = d.value.Append(dst, v)
	}
	if d.value.Typed() {
		dst = append(dst, "\n  sum: "...)
		dst = d.value.AppendSum(dst, d.perCPU(value))
	}
	return append(dst, '\n')
}

func (d *Map) perCPU(value []byte) [][]byte {
	all := make([][]byte, d.cpus)
	for i := range all {
		all[i] = value[i*d.stride:]
	}
	return all
}

// parse reads one word of a command line: JSON where it looks so, else as
// [btfjson.Codec.Set] does.
func parse(c *btfjson.Codec, word string) ([]byte, error) {
	value := make([]byte, c.Size())
	if word == "" || word[0] != '{' && word[0] != '[' && word[0] != '"' {
		return value, c.Set(value, word)
	}
	rest, err := c.Parse(value, []byte(word))
	if err == nil && !btfjson.Blank(rest) {
		err = fmt.Errorf("%s after the value", btfjson.Quote(rest))
	}
	return value, err
}

func (d *Map) parseKey(word string) ([]byte, error) {
	key, err := parse(d.key, word)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return key, nil
}

// Get returns an entry. The error is [ebpf.ErrKeyNotExist] when there is none.
func (d *Map) Get(key string) (Entry, error) {
	k, err := d.parseKey(key)
	if err != nil {
		return Entry{}, err
	}
	v, err := d.m.LookupBytes(k)
	if err == nil && v == nil {
		err = ebpf.ErrKeyNotExist
	}
	if err != nil {
		return Entry{}, fmt.Errorf("key %s: %w", key, err)
	}
	return Entry{d, k, v}, nil
}

// Set writes an entry, on every CPU the same.
func (d *Map) Set(key, value string) error {
	k, err := d.parseKey(key)
	if err != nil {
		return err
	}
	one, err := parse(d.value, value)
	if err != nil {
		return fmt.Errorf("value: %w", err)
	}
	v := make([]byte, d.valueSize())
	for i := range max(1, d.cpus) {
		copy(v[i*d.stride:], one)
	}
	if _, err := d.update(k, v, 1); err != nil {
		return fmt.Errorf("key %s: %w", key, err)
	}
	return nil
}

// Delete removes an entry. The error is [ebpf.ErrKeyNotExist] when there is
// none.
func (d *Map) Delete(key string) error {
	k, err := d.parseKey(key)
	if err != nil {
		return err
	}
	err = d.m.Delete(k)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ebpf.ErrKeyNotExist):
		err = ebpf.ErrKeyNotExist
	case errors.Is(err, unix.EINVAL) && d.isArray():
		err = fmt.Errorf("the elements of a map of type %v can be set, not removed: %w", d.m.Type(), unix.EINVAL)
	}
	return fmt.Errorf("key %s: %w", key, err)
}

// isArray says whether the elements are there from the start
// (kernel/bpf/arraymap.c, array_map_delete_elem).
func (d *Map) isArray() bool { return d.m.Type() == ebpf.Array || d.m.Type() == ebpf.PerCPUArray }

// update writes n entries that lie one after the other, and returns how many it has
// written.
func (d *Map) update(keys, values []byte, n int) (int, error) {
	done, err := d.write(keys, values, n)
	if errors.Is(err, unix.E2BIG) {
		err = fmt.Errorf("no room for the entry, the map holds %d: %w", d.info.MaxEntries, err)
	}
	return done, err
}

func (d *Map) write(keys, values []byte, n int) (int, error) {
	if !d.isTable() {
		done, err := sys.UpdateBatch(d.m.FD(), keys, values, n)
		if !noBatch(err) {
			return done, err
		}
	}
	ks, vs := int(d.info.KeySize), d.valueSize()
	for i := range n {
		if err := d.put(keys[i*ks:][:ks], values[i*vs:][:vs]); err != nil {
			return i, err
		}
	}
	return n, nil
}

// put writes one entry; what a table holds is opened by its id.
func (d *Map) put(key, value []byte) error {
	if d.cpus > 0 {
		return errors.New("this kernel sets no entry of a map of type " + d.m.Type().String())
	}
	if !d.isTable() {
		return d.m.Put(key, value)
	}
	id := binary.NativeEndian.Uint32(value)
	if d.m.Type() == ebpf.ProgramArray {
		p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		if err != nil {
			return fmt.Errorf("program id %d: %w", id, err)
		}
		defer p.Close()
		return d.m.Put(key, p)
	}
	m, err := ebpf.NewMapFromID(ebpf.MapID(id))
	if err != nil {
		return fmt.Errorf("map id %d: %w", id, err)
	}
	defer m.Close()
	return d.m.Put(key, m)
}
