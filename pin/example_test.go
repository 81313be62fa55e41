package pin_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/pin"
)

func ExampleOpen() {
	_, err := pin.Open(os.TempDir())
	fmt.Println(errors.Is(err, pin.ErrNotBPFFS))
	// Output: true
}

// A load reuses the map if it is pinned, pins a new one if not, and leaves no
// pin when the attach is refused.
func ExampleFS_Begin() {
	load := func(ctx context.Context, bpffs *pin.FS, spec *ebpf.MapSpec, attach func(*ebpf.Map) error) (err error) {
		path, err := bpffs.MapPath(pin.Object{Dir: pin.XDP}, spec.Name, pin.GlobalNS)
		if err != nil {
			return err
		}
		txn, err := bpffs.Begin()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, txn.Rollback()) }()

		m, err := txn.LoadMap(path)
		switch {
		case err == nil:
			err = pin.Compatible(path, spec, m)
		case errors.Is(err, os.ErrNotExist):
			if m, err = ebpf.NewMap(spec); err == nil {
				err = txn.Pin(path, m)
			}
		}
		defer m.Close() // does nothing to nil
		if err != nil {
			return err
		}
		if err := txn.Publish(ctx); err != nil {
			return err // a *pin.ConflictError: load again
		}
		if err := attach(m); err != nil {
			return err
		}
		return txn.Commit()
	}
	_ = load
}

func ExampleFS_Walk() {
	bpffs, err := pin.Open("/sys/fs/bpf")
	if err != nil {
		return
	}
	for e, err := range bpffs.Walk("") {
		if err != nil {
			continue // of another user, perhaps
		}
		fmt.Println(e.Kind, e.ID, e.Path)
	}
}
