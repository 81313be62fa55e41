package pin

import "github.com/cilium/ebpf"

// Pinner is a map, program or link that can be pinned. A map or program stays
// as it is: only a duplicate of it learns of the pin. A link must not be pinned
// yet, or cilium/ebpf moves that pin.
type Pinner interface {
	Pin(path string) error
}

// pinDuplicate pins without a trace in the object: one that came from a pin
// would be moved from there by its own Pin.
func pinDuplicate(object Pinner, path string) error {
	switch o := object.(type) {
	case *ebpf.Map:
		dup, err := o.Clone()
		if err != nil {
			return err
		}
		defer dup.Close()
		return dup.Pin(path)
	case *ebpf.Program:
		dup, err := o.Clone()
		if err != nil {
			return err
		}
		defer dup.Close()
		return dup.Pin(path)
	}
	return object.Pin(path)
}
