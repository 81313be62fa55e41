package mapdata

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// keyed refuses maps without keys.
func (d *Map) keyed() error {
	switch d.m.Type() {
	case ebpf.Queue, ebpf.Stack:
		return errors.New("its values have no keys: they are for push, pop and peek")
	case ebpf.BloomFilter:
		return errors.New("a Bloom filter does not know its values: push adds one, and peek with a value asks for it")
	}
	return nil
}

// unkeyed refuses maps with keys.
func (d *Map) unkeyed() error {
	if d.keyed() == nil {
		return errors.New("its entries have keys: they are for get, set, delete and dump")
	}
	return nil
}

// A Value is a value without a key.
type Value struct {
	d     *Map
	value []byte
}

// MarshalJSON writes an object with the member value.
func (v Value) MarshalJSON() ([]byte, error) {
	return append(v.d.value.Append([]byte(`{"value":`), v.value), '}'), nil
}

// AppendText appends a line for people.
func (v Value) AppendText(dst []byte) []byte { return append(v.d.value.Append(dst, v.value), '\n') }

// Push adds a value to a queue, stack or Bloom filter. What the assignments leave out is zero.
func (d *Map) Push(all ...Assignment) error {
	v, err := d.newValue(all)
	if err != nil {
		return err
	}
	err = sys.UpdateElem(d.m.FD(), nil, v.value, unix.BPF_ANY)
	if errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("it is full, with %d values: %w", d.info.MaxEntries, err)
	}
	return err
}

// Pop takes the next value of a queue or stack. The error is [ebpf.ErrKeyNotExist] if there is none.
func (d *Map) Pop() (Value, error) {
	if d.m.Type() == ebpf.BloomFilter {
		return Value{}, errors.New("nothing can be taken out of a Bloom filter")
	}
	return d.next(sys.TakeElem)
}

// Peek reads the next value of a queue or stack. The error is [ebpf.ErrKeyNotExist] if there is none.
func (d *Map) Peek() (Value, error) {
	if d.m.Type() == ebpf.BloomFilter {
		return Value{}, d.keyed()
	}
	return d.next(sys.LookupElem)
}

func (d *Map) next(read func(fd int, key, value []byte) error) (Value, error) {
	v, err := d.newValue(nil)
	if err != nil {
		return v, err
	}
	if err = read(d.m.FD(), nil, v.value); errors.Is(err, unix.ENOENT) {
		err = fmt.Errorf("it is empty: %w", ebpf.ErrKeyNotExist)
	}
	return v, err
}

// Has asks a Bloom filter for a value. The error is [ebpf.ErrKeyNotExist] if it is not in it; without
// one it may be.
func (d *Map) Has(all ...Assignment) (Value, error) {
	v, err := d.newValue(all)
	if err != nil {
		return v, err
	}
	if d.m.Type() != ebpf.BloomFilter {
		return v, errors.New("only a Bloom filter is asked for a value")
	}
	if err = sys.LookupElem(d.m.FD(), nil, v.value); errors.Is(err, unix.ENOENT) {
		err = fmt.Errorf("the value is not in it: %w", ebpf.ErrKeyNotExist)
	}
	return v, err
}

func (d *Map) newValue(all []Assignment) (Value, error) {
	v := Value{d, make([]byte, d.info.ValueSize)}
	if err := d.unkeyed(); err != nil {
		return v, err
	}
	if err := update(d.value, v.value, all...); err != nil {
		return v, fmt.Errorf("value: %w", err)
	}
	return v, nil
}
