package kernelname

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Map(ebpf.Hash), "hash"},
		{Map(ebpf.LRUCPUHash), "lru_percpu_hash"},
		{Map(ebpf.RingBuf), "ringbuf"},
		{Map(ebpf.Arena), "arena"},
		{Map(1000), "1000"},
		{Program(ebpf.SchedCLS), "sched_cls"},
		{Program(ebpf.XDP), "xdp"},
		{Program(ebpf.Extension), "ext"},
		{Program(ebpf.Netfilter), "netfilter"},
		{Attach(ebpf.AttachXDP), "xdp"},
		{Attach(ebpf.AttachXDPDevMap), "xdp_devmap"},
		{Attach(ebpf.AttachNetkitPeer), "netkit_peer"},
		{Link(11), "tcx"},
		{Link(99), "99"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}

// TestKernel: the running kernel's own enumerations have these names.
func TestKernel(t *testing.T) {
	spec, err := btf.LoadKernelSpec()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		t.Logf("no types of the kernel to compare with: %v", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		enum, prefix string
		names        []string
	}{
		{"bpf_map_type", "BPF_MAP_TYPE_", maps[:]},
		{"bpf_prog_type", "BPF_PROG_TYPE_", programs[:]},
		{"bpf_attach_type", "BPF_", places[:]},
		{"bpf_link_type", "BPF_LINK_TYPE_", links[:]},
	} {
		var enum *btf.Enum
		if err := spec.TypeByName(tt.enum, &enum); err != nil {
			t.Fatal(err)
		}
		for _, v := range enum.Values {
			if strings.HasPrefix(v.Name, "MAX_") || strings.HasPrefix(v.Name, "__") {
				continue // how many there are
			}
			name := strings.ToLower(strings.TrimPrefix(v.Name, tt.prefix))
			name = strings.TrimSuffix(name, "_deprecated")
			if v.Value < uint64(len(tt.names)) && tt.names[v.Value] != name {
				t.Errorf("%s %d is %s, in the kernel %s", tt.enum, v.Value, tt.names[v.Value], name)
			}
			if v.Value >= uint64(len(tt.names)) {
				t.Errorf("%s %d has no name, in the kernel it is %s", tt.enum, v.Value, name)
			}
		}
	}
}
