package mapdata

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/btfjson"
)

// A Migration says what became of the members of keys and values, by their paths in an
// entry: "value.limit".
type Migration struct {
	Dropped []string // that the new map has no counterpart of
	Added   []string // that the old map has no counterpart of, and that are zero
}

// Migrate copies the entries of one map into another: by the names of members where types
// are known and differ, numbers as numbers. What programs write meanwhile is not in the copy.
func Migrate(from, to *Map) (Migration, error) {
	var report Migration
	key, value := convert(from.key, to.key), convert(from.value, to.value)
	switch {
	case (from.cpus > 0) != (to.cpus > 0):
		return report, errors.New("only one of them has a value for each CPU")
	case key.Nothing() || value.Nothing():
		return report, fmt.Errorf("entries have %d+%d bytes there, %d+%d bytes in the object, and no members of the same names: use recreate",
			from.info.KeySize, from.info.ValueSize, to.info.KeySize, to.info.ValueSize)
	case len(key.Dropped) > 0:
		return report, fmt.Errorf("the object's keys have no %s, without which keys could be the same: use recreate", strings.Join(key.Dropped, ", "))
	}
	report.Dropped = paths("value", value.Dropped)
	report.Added = append(paths("key", key.Added), paths("value", value.Added)...)
	m := &migration{from: from, to: to, key: key, value: value, room: to.batch()}
	err := from.Each(m.add)
	if err == nil {
		err = m.flush()
	}
	return report, err
}

// convert compares types, or numbers of bytes if a type is not known.
func convert(from, to *btfjson.Codec) *btfjson.Conversion {
	if !from.Typed() || !to.Typed() {
		from, to = btfjson.New(nil, from.Size()), btfjson.New(nil, to.Size())
	}
	return btfjson.NewConversion(from, to)
}

func paths(root string, members []string) []string {
	var all []string
	for _, m := range members {
		if !strings.HasPrefix(m, "[") {
			m = "." + m
		}
		all = append(all, root+m)
	}
	return all
}

// A migration collects a batch.
type migration struct {
	from, to     *Map
	key, value   *btfjson.Conversion
	keys, values []byte
	n, room      int
}

func (m *migration) add(key, value []byte) error {
	k, v := make([]byte, m.to.info.KeySize), make([]byte, m.to.valueSize())
	err := m.key.Convert(k, key)
	if err == nil {
		to := m.to.perCPU(v)
		for i, one := range m.from.perCPU(value) {
			if err = m.value.Convert(to[i], one); err != nil {
				break
			}
		}
	}
	if err != nil {
		return fmt.Errorf("entry %s: %w", m.from.key.Append(nil, key), err)
	}
	m.keys, m.values = append(m.keys, k...), append(m.values, v...)
	if m.n++; m.n == m.room {
		return m.flush()
	}
	return nil
}

func (m *migration) flush() error {
	if m.n == 0 {
		return nil
	}
	_, err := m.to.write(m.keys, m.values, m.n)
	m.keys, m.values, m.n = m.keys[:0], m.values[:0], 0
	if errors.Is(err, unix.E2BIG) {
		return fmt.Errorf("the entries do not all fit, the object's map holds %d: %w", m.to.info.MaxEntries, err)
	}
	return err
}
