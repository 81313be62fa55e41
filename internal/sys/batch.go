package sys

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// batchAttr is the batch member of union bpf_attr.
type batchAttr struct {
	inBatch   pointer
	outBatch  pointer
	keys      pointer
	values    pointer
	count     uint32
	mapFD     uint32
	elemFlags uint64
	flags     uint64
}

// cursorSize is room for what a batch lookup remembers: the bucket of a hash, 4
// bytes, or a key elsewhere (kernel/bpf/syscall.c, generic_map_lookup_batch).
const cursorSize = 4

// Batch walks the entries of a map, many in one call. The zero value with FD and
// KeySize set begins at the first entry.
type Batch struct {
	FD      int
	KeySize int

	cursor []byte
	next   []byte
}

// Lookup copies entries to keys and values, which have room for count of them,
// and returns how many. The error is ENOENT with the last ones, ENOSPC when
// room for more is needed, and ENOTSUPP (524) or EINVAL from a type of map that has no batches.
func (b *Batch) Lookup(keys, values []byte, count int) (int, error) {
	if b.next == nil {
		b.next = make([]byte, max(cursorSize, b.KeySize))
	}
	attr := batchAttr{
		outBatch: bytesPointer(b.next),
		keys:     bytesPointer(keys),
		values:   bytesPointer(values),
		count:    uint32(count),
		mapFD:    uint32(b.FD),
	}
	if b.cursor != nil {
		attr.inBatch = bytesPointer(b.cursor)
	}
	_, err := bpf(unix.BPF_MAP_LOOKUP_BATCH, &attr)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(values)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return 0, err
	}
	if b.cursor == nil {
		b.cursor = make([]byte, len(b.next))
	}
	b.cursor, b.next = b.next, b.cursor
	return int(attr.count), err
}

// UpdateBatch sets count entries, and returns how many it had set when there was
// an error.
func UpdateBatch(fd int, keys, values []byte, count int) (int, error) {
	attr := batchAttr{
		keys:   bytesPointer(keys),
		values: bytesPointer(values),
		count:  uint32(count),
		mapFD:  uint32(fd),
	}
	_, err := bpf(unix.BPF_MAP_UPDATE_BATCH, &attr)
	runtime.KeepAlive(keys)
	runtime.KeepAlive(values)
	if err != nil && attr.count == uint32(count) {
		return 0, err // refused before the kernel counted (kernel/bpf/syscall.c, generic_map_update_batch)
	}
	return int(attr.count), err
}
