package sys

import (
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestAttachLayout(t *testing.T) {
	var (
		attach progAttachAttr
		query  progQueryAttr
		create linkCreateAttr
		info   linkInfo
	)
	got := map[string]uintptr{
		"prog_attach":                       unsafe.Sizeof(attach),
		"prog_attach.replace_bpf_fd":        unsafe.Offsetof(attach.replaceBPFFD),
		"prog_attach.relative_id":           unsafe.Offsetof(attach.relativeID),
		"prog_attach.expected_revision":     unsafe.Offsetof(attach.expectedRevision),
		"query":                             unsafe.Sizeof(query),
		"query.prog_ids":                    unsafe.Offsetof(query.progIDs),
		"query.count":                       unsafe.Offsetof(query.count),
		"query.link_ids":                    unsafe.Offsetof(query.linkIDs),
		"query.revision":                    unsafe.Offsetof(query.revision),
		"link_create, up to tcx":            unsafe.Sizeof(create),
		"link_create.tcx.relative_id":       unsafe.Offsetof(create.relativeID),
		"link_create.tcx.expected_revision": unsafe.Offsetof(create.expectedRevision),
		"link_update":                       unsafe.Sizeof(linkUpdateAttr{}),
		"bpf_link_info.tcx.ifindex":         unsafe.Offsetof(info.ifindex),
	}
	want := map[string]uintptr{
		"prog_attach":                       32,
		"prog_attach.replace_bpf_fd":        16,
		"prog_attach.relative_id":           20,
		"prog_attach.expected_revision":     24,
		"query":                             64,
		"query.prog_ids":                    16,
		"query.count":                       24,
		"query.link_ids":                    40,
		"query.revision":                    56,
		"link_create, up to tcx":            32,
		"link_create.tcx.relative_id":       16,
		"link_create.tcx.expected_revision": 24,
		"link_update":                       16,
		"bpf_link_info.tcx.ifindex":         16,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sizes and offsets (-header +ours):\n%s", diff)
	}
}
