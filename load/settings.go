package load

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// settingsMap is the section of variables that are settings of the kernel.
const settingsMap = ".kconfig"

// constant reports whether what a section of variables holds cannot change.
func constant(name string) bool { return strings.HasPrefix(name, ".rodata") || name == settingsMap }

// fillSettings writes the settings. One that no program of the load reads may be missing.
func (l *loader) fillSettings() error {
	var config map[string]string
	var configErr error
	for _, name := range sorted(l.spec.Variables) {
		v := l.spec.Variables[name]
		if v.SectionName != settingsMap {
			continue
		}
		value, virtual := kernelValue(name)
		if !virtual {
			if config == nil && configErr == nil {
				config, configErr = kernelConfig()
			}
			value = config[name]
		}
		x, used := l.externs[name]
		var err error
		switch {
		case value != "":
			err = encodeSetting(v, value)
		case !used || x.Weak:
		case configErr != nil:
			err = configErr
		default:
			err = errors.New("this kernel's configuration has no such setting: declare it __weak to read 0")
		}
		if err != nil {
			return &Error{Program: l.entry(), Err: fmt.Errorf("setting %s of the kernel: %w", name, err)}
		}
	}
	return nil
}

// encodeSetting stores a setting as the type that the object declares.
func encodeSetting(v *ebpf.VariableSpec, text string) error {
	var t btf.Type
	if v.Type != nil {
		t = btf.UnderlyingType(v.Type.Type)
	}
	clear(v.Value)
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		if _, ok := t.(*btf.Array); !ok || len(v.Value) == 0 {
			return fmt.Errorf("the value %s is text, and is declared otherwise", text)
		}
		copy(v.Value[:len(v.Value)-1], strings.TrimSuffix(quoted, `"`))
		return nil
	}
	n, err := settingNumber(t, text)
	if err != nil {
		return err
	}
	return putNumber(v.Value, n)
}

// settingNumber reads a number, or the y, n or m of a feature.
func settingNumber(t btf.Type, text string) (uint64, error) {
	choice := strings.Index("nym", text) // enum libbpf_tristate
	switch t := t.(type) {
	case *btf.Enum:
		if choice >= 0 {
			return uint64(choice), nil
		}
	case *btf.Int:
		switch {
		case choice >= 0 && t.Encoding == btf.Bool && text != "m":
			return uint64(choice), nil
		case choice >= 0 && t.Encoding != btf.Bool && t.Size == 1:
			return uint64(text[0]), nil
		case choice < 0 && t.Encoding != btf.Bool, text == "0", text == "1":
			if n, err := strconv.ParseInt(text, 0, 64); err == nil {
				return uint64(n), nil
			}
			if n, err := strconv.ParseUint(text, 0, 64); err == nil {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("the value %s does not fit its declaration", text)
}

// putNumber stores a number in the machine's byte order, where it fits signed or not.
func putNumber(b []byte, n uint64) error {
	bits := 8 * len(b)
	if !slices.Contains([]int{1, 2, 4, 8}, len(b)) {
		return fmt.Errorf("its declaration has %d bytes, which no number has", len(b))
	}
	if high := int64(n) >> (bits - 1); bits < 64 && high != 0 && high != -1 && n>>bits != 0 {
		return fmt.Errorf("the value %d does not fit %d bytes", n, len(b))
	}
	order := nativeOrder()
	switch len(b) {
	case 1:
		b[0] = byte(n)
	case 2:
		order.PutUint16(b, uint16(n))
	case 4:
		order.PutUint32(b, uint32(n))
	case 8:
		order.PutUint64(b, n)
	}
	return nil
}
