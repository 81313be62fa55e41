package mapcmd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/mapdata"
)

// names find what values name, in the network namespace of the command.
func names(e *env.Env) mapdata.Names {
	return mapdata.Names{
		Device: func(name string) (uint32, error) {
			_, ifindex, err := e.Device(name)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", name, err)
			}
			return uint32(ifindex), nil
		},
		Ifindex: func(ifindex uint32) (string, bool) {
			conn, err := e.Netlink()
			if err != nil {
				return "", false
			}
			l, err := conn.LinkByIndex(int(ifindex))
			if err != nil {
				return "", false // gone, or of another namespace
			}
			return l.Name, true
		},
		Program: func(words string) (uint32, error) {
			var r subject.ProgRef
			if err := readRef(words, &r.Pinned, &r.Name, &r.ID); err != nil {
				return 0, err
			}
			p, err := r.Open(e)
			if err != nil {
				return 0, err
			}
			defer p.Close()
			return p.ID, nil
		},
		Map: func(words string) (uint32, error) {
			var r subject.MapRef
			if err := readRef(words, &r.Pinned, &r.Name, &r.ID); err != nil {
				return 0, err
			}
			m, err := r.Open(e)
			if err != nil {
				return 0, err
			}
			defer m.Close()
			info, err := m.Info()
			if err != nil {
				return 0, err
			}
			id, _ := info.ID()
			return uint32(id), nil
		},
	}
}

// readRef reads what names a program or map in a value.
func readRef(words string, pinned, name *string, id *uint32) error {
	keyword, rest, _ := strings.Cut(words, " ")
	switch keyword {
	case "pinned":
		*pinned = rest
		return nil
	case "name":
		*name = rest
		return nil
	case "id":
		n, err := strconv.ParseUint(rest, 0, 32)
		if err == nil && n > 0 {
			*id = uint32(n)
			return nil
		}
	}
	return fmt.Errorf("%q is neither an id nor pinned PATH, name NAME or id N", words)
}
