package sys

import (
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestPinnedLayout(t *testing.T) {
	var (
		get objGetAttr
		mi  MapInfo
		li  linkInfo
	)
	got := map[string]uintptr{
		"obj_get":                      unsafe.Sizeof(get),
		"bpf_map_info":                 unsafe.Sizeof(mi),
		"bpf_map_info.name":            unsafe.Offsetof(mi.Name),
		"bpf_map_info.netns_dev":       unsafe.Offsetof(mi.NetnsDev),
		"bpf_map_info.btf_key_type_id": unsafe.Offsetof(mi.KeyType),
		"bpf_map_info.map_extra":       unsafe.Offsetof(mi.Extra),
		"bpf_link_info.prog_id":        unsafe.Offsetof(li.progID),
	}
	want := map[string]uintptr{
		"obj_get":                      16,
		"bpf_map_info":                 88,
		"bpf_map_info.name":            24,
		"bpf_map_info.netns_dev":       48,
		"bpf_map_info.btf_key_type_id": 68,
		"bpf_map_info.map_extra":       80,
		"bpf_link_info.prog_id":        8,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sizes and offsets (-header +ours):\n%s", diff)
	}
}
