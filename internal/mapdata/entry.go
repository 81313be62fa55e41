package mapdata

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
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

// perCPU is the value of each CPU, or the only one.
func (d *Map) perCPU(value []byte) [][]byte {
	all := make([][]byte, max(1, d.cpus))
	for i := range all {
		all[i] = value[i*d.stride:]
	}
	return all
}

func (d *Map) parseKey(word string) ([]byte, error) {
	if err := d.keyed(); err != nil {
		return nil, err
	}
	key := make([]byte, d.key.Size())
	if err := update(d.key, key, Assignment{Value: word}); err != nil {
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
		return Entry{}, fmt.Errorf("key %s: %w", key, kernelname.Refusal(err))
	}
	return Entry{d, k, v}, nil
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
		err = fmt.Errorf("the elements of a map of type %s can be set, not removed: %w", kernelname.Map(d.m.Type()), unix.EINVAL)
	default:
		err = kernelname.Refusal(err)
	}
	return fmt.Errorf("key %s: %w", key, err)
}

// isArray says whether the elements are there from the start
// (kernel/bpf/arraymap.c, array_map_delete_elem).
func (d *Map) isArray() bool { return d.m.Type() == ebpf.Array || d.m.Type() == ebpf.PerCPUArray }
