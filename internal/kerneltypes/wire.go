package kerneltypes

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/xdpload/xdpload/internal/btfwire"
)

var (
	order        = binary.NativeEndian
	errMalformed = errors.New("malformed BTF")
)

// blob is BTF as it is in a file, its sections apart.
type blob struct{ types, names []byte }

func parse(raw []byte) (b blob, err error) {
	b.types, b.names, err = btfwire.Split(order, raw)
	return b, err
}

// at returns the record that starts at an offset.
func (b *blob) at(off int) ([]byte, error) {
	if off+btfwire.TypeSize > len(b.types) {
		return nil, fmt.Errorf("%w: a type past the end", errMalformed)
	}
	info := order.Uint32(b.types[off+4:])
	kind := info >> btfwire.KindShift & btfwire.KindMask
	if kind == 0 || kind >= btfwire.Kinds {
		return nil, fmt.Errorf("%w: kind %d", errMalformed, kind)
	}
	l := btfwire.Layouts[kind]
	end := off + btfwire.TypeSize + int(l.Fixed) + int(l.Each)*int(info&btfwire.CountMask)
	if end > len(b.types) {
		return nil, fmt.Errorf("%w: a type past the end", errMalformed)
	}
	return b.types[off:end:end], nil
}

// name returns the bytes from a name on, nil for one that is not there.
func (b *blob) name(off uint32) []byte {
	if uint64(off) >= uint64(len(b.names)) {
		return nil
	}
	return b.names[off:]
}
