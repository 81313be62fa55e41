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
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/internal/btfjson"
)

// maxLine bounds a line of JSON and a record of CSV, in bytes.
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
	if err := d.keyed(); err != nil {
		return 0, err
	}
	in := bufio.NewReaderSize(r, maxLine)
	if mark, _ := in.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = in.Discard(len(byteOrderMark)) // they are in the buffer
	}
	b := d.newBatch(ctx, progress)
	read := b.readCSV
	line, first := skipBlank(in)
	switch first {
	case '{', 0:
		read = b.readJSON
	case '[':
		return 0, errArray
	}
	err := read(in, line)
	if err == nil {
		err = b.flush()
	}
	return b.done, err
}

var errArray = errors.New(`a JSON array: give one object {"key":…,"value":…} a line, as -json map dump prints them and jq -c '.[]' makes them`)

// skipBlank reads to the first byte that is not white space, which it leaves there, and
// returns the number of its line; 0 for nothing at all.
func skipBlank(in *bufio.Reader) (line int, first byte) {
	for line = 1; ; {
		b, err := in.ReadByte()
		switch {
		case err != nil:
			return line, 0 // the next read tells why
		case b == '\n':
			line++
		case !btfjson.Blank([]byte{b}):
			_ = in.UnreadByte() // it was just read
			return line, b
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

func (b *entries) readJSON(in *bufio.Reader, line int) error {
	for ; ; line++ {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return &lineError{line, tooLong{}}
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
		return fmt.Errorf("%s after the entry", btfjson.Quote(bytes.TrimSpace(rest)))
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
		return nil, fmt.Errorf("no member %s in an entry: it has key and value, as -json map dump prints them", btfjson.Quote(name))
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
			if cpu, err = strconv.Atoi(word); err != nil || cpu < 0 || cpu >= b.d.cpus {
				return nil, fmt.Errorf("no CPU %.20s, there are %d", word, b.d.cpus)
			}
			return rest, nil
		case "value":
			if cpu < 0 {
				return nil, errors.New("cpu has to stand before its value")
			}
			return b.d.value.Parse(b.value[cpu*b.d.stride:], text)
		}
		return nil, fmt.Errorf("no member %s of a CPU's value", btfjson.Quote(name))
	})
}

// A column is where a field of CSV goes.
type column struct {
	key  bool
	part btfjson.Part
}

// A bounded reader gives no more than left bytes.
type bounded struct {
	in   io.Reader
	left int
}

// tooLong says that a line or a record is longer than maxLine.
type tooLong struct{}

func (tooLong) Error() string { return fmt.Sprintf("longer than %d bytes", maxLine) }

func (r *bounded) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, tooLong{}
	}
	n, err := r.in.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// records reads CSV, of which each record has less than maxLine bytes.
type records struct {
	csv  *csv.Reader
	in   *bounded
	base int // lines before the reader's first
	last int // the line of the last record
}

func newRecords(in io.Reader, line int) *records {
	r := &records{in: &bounded{in: in}, base: line - 1, last: line - 1}
	r.csv = csv.NewReader(r.in)
	r.csv.ReuseRecord, r.csv.TrimLeadingSpace, r.csv.Comment = true, true, '#'
	return r
}

// next returns a record, which is good until the next, or io.EOF.
func (r *records) next() ([]string, error) {
	r.in.left = maxLine
	record, err := r.csv.Read()
	malformed, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case err == nil:
		line, _ := r.csv.FieldPos(0)
		r.last = r.base + line
		return record, nil
	case errors.Is(err, tooLong{}):
		return nil, &lineError{r.last + 1, err}
	case ok:
		return nil, &lineError{r.base + malformed.Line, malformed.Err}
	}
	return nil, err
}

func (b *entries) readCSV(in *bufio.Reader, line int) error {
	r := newRecords(in, line)
	header, err := r.next()
	if err != nil {
		return err
	}
	header = slices.Clone(header) // the reader uses the record again
	columns, err := b.d.columns(header)
	if err != nil {
		return &lineError{r.last, err}
	}
	for {
		record, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		clear(b.key)
		clear(b.value)
		for i, c := range columns {
			target := b.value
			if c.key {
				target = b.key
			}
			if err := c.part.Set(target, strings.TrimSpace(record[i])); err != nil {
				return &lineError{r.last, fmt.Errorf("column %s: %w", header[i], err)}
			}
		}
		b.spread()
		if err := b.add(r.last); err != nil {
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
			return nil, fmt.Errorf("no column %s: %s", btfjson.Quote(name), want)
		}
		part, err := codec.Part(path)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", btfjson.Quote(name), err)
		}
		all = append(all, column{root == "key", part})
	}
	if !hasKey || !hasValue {
		return nil, errors.New(want)
	}
	return all, nil
}
