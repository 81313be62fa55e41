package main

import (
	"errors"
	"io/fs"
	"iter"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/prog"
)

// mapIDs lists the ids of all maps. It takes CAP_SYS_ADMIN.
func mapIDs() iter.Seq2[uint32, error] {
	return ids(func(id uint32) (uint32, error) {
		next, err := ebpf.MapGetNextID(ebpf.MapID(id))
		return uint32(next), err
	})
}

// ids walks from one id to the next.
func ids(after func(uint32) (uint32, error)) iter.Seq2[uint32, error] {
	return func(yield func(uint32, error) bool) {
		for id := uint32(0); ; {
			next, err := after(id)
			if errors.Is(err, fs.ErrNotExist) {
				return
			}
			if !yield(next, err) || err != nil {
				return
			}
			id = next
		}
	}
}

// loadedPrograms lists the programs that are loaded. It takes CAP_SYS_ADMIN.
func loadedPrograms() iter.Seq2[*prog.Info, error] {
	all := ids(func(id uint32) (uint32, error) {
		next, err := ebpf.ProgramGetNextID(ebpf.ProgramID(id))
		return uint32(next), err
	})
	return func(yield func(*prog.Info, error) bool) {
		for id, err := range all {
			var info prog.Info
			if err == nil {
				info, err = prog.InfoByID(id)
			}
			if errors.Is(err, fs.ErrNotExist) {
				continue // gone since
			}
			if !yield(&info, err) || err != nil {
				return
			}
		}
	}
}

// users maps ids of maps to the programs that use them.
type users map[uint32][]*programReport

func mapUsers() (users, error) {
	all := make(users)
	for p, err := range loadedPrograms() {
		if err != nil {
			return nil, err
		}
		for _, id := range p.MapIDs {
			all[id] = append(all[id], reportProgram(p))
		}
	}
	return all, nil
}

// hooks maps ids of programs to the places in this network namespace that run them.
func (e *env) hooks() (map[uint32][]string, error) {
	conn, err := e.netlink()
	if err != nil {
		return nil, err
	}
	all := make(map[uint32][]string)
	for a, err := range attach.Attachments(conn, 0) {
		if err != nil {
			return nil, err
		}
		all[a.Program.ID] = append(all[a.Program.ID], placeOf(a))
	}
	return all, nil
}
