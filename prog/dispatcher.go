package prog

import (
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// What libxdp makes of several XDP programs for one device is a program that calls them: a
// dispatcher, with its configuration in its only map (xdp-tools, lib/libxdp/protocol.org and
// xdp-dispatcher.c.in).
const (
	dispatcherName  = "xdp_dispatcher"
	dispatcherMagic = 236 // the first byte since version 2
	sizeOfVersion1  = 84  // bytes of the configuration that has no magic
	mostMembers     = 10
)

// Members are the programs that p runs on a device, in its order, if p is a dispatcher of
// libxdp; nil for any other program. They are told by their pins, below the root of the BPF
// file system: one without is the zero Info. To look at a program by its id takes CAP_SYS_ADMIN.
func (p *Info) Members(root string, ifindex int) []Info {
	if p.Name != dispatcherName || p.Type != ebpf.XDP || len(p.MapIDs) != 1 {
		return nil
	}
	members := make([]Info, memberCount(p.MapIDs[0]))
	for i := range members {
		member, err := OpenPinned(filepath.Join(p.MemberPins(root, ifindex), fmt.Sprintf("prog%d-prog", i)), ebpf.UnspecifiedProgram)
		if err == nil {
			members[i] = member.Info
			_ = member.Close() // a descriptor of ours only
		}
	}
	return members
}

// MemberPins is the directory in which libxdp pins the members of a dispatcher.
func (p *Info) MemberPins(root string, ifindex int) string {
	return filepath.Join(root, "xdp", fmt.Sprintf("dispatch-%d-%d", ifindex, p.ID))
}

// memberCount reads a dispatcher's configuration, and is 0 where a map has none.
func memberCount(id uint32) int {
	m, err := ebpf.NewMapFromID(ebpf.MapID(id))
	if err != nil {
		return 0
	}
	defer m.Close()
	if m.Type() != ebpf.Array || m.KeySize() != 4 || m.MaxEntries() != 1 || m.Flags()&unix.BPF_F_RDONLY_PROG == 0 {
		return 0
	}
	conf, err := m.LookupBytes(uint32(0))
	n := 0
	switch {
	case err != nil:
	case len(conf) > sizeOfVersion1 && conf[0] == dispatcherMagic:
		n = int(conf[2])
	case len(conf) == sizeOfVersion1:
		n = int(conf[0])
	}
	if n > mostMembers {
		return 0
	}
	return n
}
