package mapdata

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/internal/btfjson"
)

// maxLine bounds a line of JSON, in bytes.
const maxLine = 1 << 20

// byteOrderMark is what spreadsheets write before UTF-8.
const byteOrderMark = "\ufeff"

// Load sets the entries that r has, and returns how many it has set: also when
// there is an error, which names the line. Progress, if not nil, learns that number now
// and then.
//
// The text is lines of JSON, each an entry as [Map.Dump] writes it, or, where it does not
// begin with a brace, CSV with a header: columns "key" and "value", or of structures
// "key.MEMBER" and "value.MEMBER". A value without a CPU is set on every CPU.
func (d *Map) Load(ctx context.Context, r io.Reader, progress func(n int)) (int, error) {
	in := bufio.NewReaderSize(r, maxLine)
	if mark, _ := in.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = in.Discard(len(byteOrderMark)) // they are in the buffer
	}
	b := d.newBatch(ctx, progress)
	read := b.readCSV
	switch first(in) {
	case '{', 0:
		read = b.readJSON
	case '[':
		return 0, errArray
	}
	err := read(in)
	if err == nil {
		err = b.flush()
	}
	return b.done, err
}

var errArray = errors.New(`a JSON array: give one object {"key":…,"value":…} a line, as -json map dump prints them and jq -c '.[]' makes them`)

// first is the first byte that is not white space, 0 for nothing at all.
func first(in *bufio.Reader) byte {
	for n := 1; ; n++ {
		text, err := in.Peek(n)
		if !btfjson.Blank(text) {
			return text[n-1]
		}
		if err != nil {
			return 0
		}
	}
}

// lineError says which line of the input is wrong.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// entries collects a batch.
type entries struct {
	d            *Map
	ctx          context.Context
	progress     func(int)
	keys, values []byte // of the whole batch
	lines        []int  // of each entry
	room         int
	done         int

	key, value       []byte // of the entry being read
	hasKey, hasValue bool
	members          func(name, text []byte) ([]byte, error)
}

func (d *Map) newBatch(ctx context.Context, progress func(int)) *entries {
	room := d.batch()
	b := &entries{
		d: d, ctx: ctx, progress: progress, room: room,
		keys:   make([]byte, 0, room*int(d.info.KeySize)),
		values: make([]byte, 0, room*d.valueSize()),
		lines:  make([]int, 0, room),
	}
	b.members = b.member
	b.begin()
	return b
}

// begin makes room for the next entry.
func (b *entries) begin() {
	ks, vs := int(b.d.info.KeySize), b.d.valueSize()
	b.key = b.keys[len(b.keys):][:ks]
	b.value = b.values[len(b.values):][:vs]
	b.hasKey, b.hasValue = false, false
}

// add takes the entry that was read.
func (b *entries) add(line int) error {
	b.keys = b.keys[:len(b.keys)+len(b.key)]
	b.values = b.values[:len(b.values)+len(b.value)]
	b.lines = append(b.lines, line)
	if len(b.lines) == b.room {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.begin()
	return nil
}

func (b *entries) flush() error {
	if len(b.lines) == 0 {
		return nil
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	n, err := b.d.update(b.keys, b.values, len(b.lines))
	b.done += n
	if err != nil {
		return &lineError{b.lines[min(n, len(b.lines)-1)], err}
	}
	if b.progress != nil {
		b.progress(b.done)
	}
	b.keys, b.values, b.lines = b.keys[:0], b.values[:0], b.lines[:0]
	return nil
}

func (b *entries) readJSON(in *bufio.Reader) error {
	for line := 1; ; line++ {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return &lineError{line, fmt.Errorf("longer than %d bytes", maxLine)}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(bytes.TrimSpace(text)) > 0 {
			if err := b.readEntry(text); err != nil {
				return &lineError{line, err}
			}
			if err := b.add(line); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

func (b *entries) readEntry(text []byte) error {
	rest, err := btfjson.Object(text, b.members)
	switch {
	case err != nil:
		return err
	case !btfjson.Blank(rest):
		return fmt.Errorf("%q after the entry", bytes.TrimSpace(rest))
	case !b.hasKey:
		return errors.New("no key")
	case !b.hasValue:
		return errors.New("no value")
	}
	return nil
}

func (b *entries) member(name, text []byte) (rest []byte, err error) {
	switch string(name) {
	case "key":
		b.hasKey = true
		rest, err = b.d.key.Parse(b.key, text)
	case "value":
		b.hasValue = true
		rest, err = b.d.value.Parse(b.value, text)
		b.spread()
	case "values":
		b.hasValue = true
		clear(b.value)
		rest, err = btfjson.Array(text, b.cpu)
	case "sum":
		return btfjson.Skip(text)
	default:
		return nil, fmt.Errorf("no member %q in an entry: it has key and value, as -json map dump prints them", name)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return rest, err
}

// spread copies the first CPU's value to the others.
func (b *entries) spread() {
	for i := 1; i < b.d.cpus; i++ {
		copy(b.value[i*b.d.stride:][:b.d.stride], b.value)
	}
}

// cpu reads the value of one CPU.
func (b *entries) cpu(text []byte) ([]byte, error) {
	if b.d.cpus == 0 {
		return nil, errors.New("the map has one value for all CPUs")
	}
	cpu := -1
	return btfjson.Object(text, func(name, text []byte) ([]byte, error) {
		switch string(name) {
		case "cpu":
			rest, err := btfjson.Skip(text)
			if err != nil {
				return nil, err
			}
			word := strings.TrimSpace(string(text[:len(text)-len(rest)]))
			if _, err := fmt.Sscanf(word, "%d", &cpu); err != nil || cpu < 0 || cpu >= b.d.cpus {
				return nil, fmt.Errorf("no CPU %s, there are %d", word, b.d.cpus)
			}
			return rest, nil
		case "value":
			if cpu < 0 {
				return nil, errors.New("cpu has to stand before its value")
			}
			return b.d.value.Parse(b.value[cpu*b.d.stride:], text)
		}
		return nil, fmt.Errorf("no member %q of a CPU's value", name)
	})
}

// A column is where a field of CSV goes.
type column struct {
	key    bool
	offset int
	codec  *btfjson.Codec
}

func (b *entries) readCSV(in *bufio.Reader) error {
	r := csv.NewReader(in)
	r.ReuseRecord, r.TrimLeadingSpace, r.Comment = true, true, '#'
	header, err := r.Read()
	if err != nil {
		return err
	}
	header = slices.Clone(header) // the reader uses the record again
	columns, err := b.d.columns(header)
	if err != nil {
		return err
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // names the line
		}
		line, _ := r.FieldPos(0)
		clear(b.key)
		clear(b.value)
		for i, c := range columns {
			target := b.value
			if c.key {
				target = b.key
			}
			if err := c.codec.Set(target[c.offset:], strings.TrimSpace(record[i])); err != nil {
				return &lineError{line, fmt.Errorf("column %s: %w", header[i], err)}
			}
		}
		b.spread()
		if err := b.add(line); err != nil {
			return err
		}
	}
}

func (d *Map) columns(header []string) ([]column, error) {
	const want = `CSV begins with a line that names the columns, such as "key,value" or "key,value.packets,value.bytes"; of map dump, what it prints with -json can be read`
	var all []column
	var hasKey, hasValue bool
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
		name := header[i]
		root, path := name, ""
		if at := strings.IndexAny(name, ".["); at >= 0 {
			root, path = name[:at], name[at:]
		}
		codec := d.value
		switch root {
		case "key":
			codec, hasKey = d.key, true
		case "value":
			hasValue = true
		default:
			return nil, fmt.Errorf("line 1: no column %q: %s", name, want)
		}
		offset, part, ok := codec.Member(path)
		if !ok {
			return nil, fmt.Errorf("line 1: column %q: no such member", name)
		}
		all = append(all, column{root == "key", offset, part})
	}
	if !hasKey || !hasValue {
		return nil, errors.New("line 1: " + want)
	}
	return all, nil
}
