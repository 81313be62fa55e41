package mapdata

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

const (
	// batchBytes is about how many bytes of entries one call of the kernel handles.
	batchBytes = 1 << 18
	// writeBytes is how much output is written at a time.
	writeBytes = 1 << 16
	// enotsupp is ENOTSUPP, which the kernel returns for a type without batches
	// (include/linux/errno.h).
	enotsupp = unix.Errno(524)
)

// noBatch says whether the kernel has no batches for the map, or at all.
func noBatch(err error) bool {
	return errors.Is(err, enotsupp) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL)
}

// batch is how many entries a batch has.
func (d *Map) batch() int {
	return max(64, batchBytes/max(1, int(d.info.KeySize)+d.valueSize()))
}

// Each calls fn for every entry, with bytes that are good until it returns. An entry
// that programs add or remove meanwhile may be among them or not.
func (d *Map) Each(fn func(key, value []byte) error) error {
	if err := d.keyed(); err != nil {
		return err
	}
	var (
		ks, vs = int(d.info.KeySize), d.valueSize()
		room   = d.batch()
		keys   = make([]byte, room*ks)
		values = make([]byte, room*vs)
		walk   = sys.Batch{FD: d.m.FD(), KeySize: ks}
	)
	for first := true; ; first = false {
		n, err := walk.Lookup(keys, values, room)
		switch {
		case first && noBatch(err):
			return d.eachSingle(fn)
		case errors.Is(err, unix.ENOSPC): // one bucket of a hash has more
			room *= 2
			keys, values = make([]byte, room*ks), make([]byte, room*vs)
			continue
		case err != nil && !errors.Is(err, unix.ENOENT):
			return err
		}
		for i := range n {
			if err := fn(keys[i*ks:][:ks], values[i*vs:][:vs]); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

func (d *Map) eachSingle(fn func(key, value []byte) error) error {
	var key any
	for {
		next, err := d.m.NextKeyBytes(key)
		if next == nil || err != nil {
			return kernelname.Refusal(err)
		}
		value, err := d.m.LookupBytes(next)
		if err != nil {
			return kernelname.Refusal(err)
		}
		if value != nil { // an empty slot of a program array has a key
			if err := fn(next, value); err != nil {
				return err
			}
		}
		key = next
	}
}

// Dump writes every entry, as JSON one a line or as text, and returns how many
// there were.
func (d *Map) Dump(w io.Writer, asJSON bool) (n int, err error) {
	buf := make([]byte, 0, writeBytes+4096)
	err = d.Each(func(key, value []byte) error {
		if n++; asJSON {
			buf = append(d.appendJSON(buf, key, value), '\n')
		} else {
			buf = d.appendText(buf, key, value)
		}
		if len(buf) < writeBytes {
			return nil
		}
		_, err := w.Write(buf)
		buf = buf[:0]
		return err
	})
	if err != nil {
		return n, err
	}
	_, err = w.Write(buf)
	return n, err
}
