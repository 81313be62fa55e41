package sys

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The kernel refuses an attribute struct that is longer than the one it knows
// and not zero behind it, and reads fields by offset: both are checked here
// against include/uapi/linux/bpf.h.
func TestLayout(t *testing.T) {
	var (
		load progLoadAttr
		mp   Map
		info progInfo
		btf  btfLoadAttr
	)
	got := map[string]uintptr{
		"prog_load":               unsafe.Sizeof(load),
		"prog_load.log_buf":       unsafe.Offsetof(load.logBuf),
		"prog_load.prog_name":     unsafe.Offsetof(load.progName),
		"prog_load.prog_btf_fd":   unsafe.Offsetof(load.progBTFFD),
		"prog_load.func_info":     unsafe.Offsetof(load.funcInfo),
		"prog_load.line_info":     unsafe.Offsetof(load.lineInfo),
		"map_create":              unsafe.Sizeof(mp),
		"map_create.map_name":     unsafe.Offsetof(mp.name),
		"map_create.map_ifindex":  unsafe.Offsetof(mp.Ifindex),
		"map_create.btf_fd":       unsafe.Offsetof(mp.BTF),
		"map_create.map_extra":    unsafe.Offsetof(mp.Extra),
		"bpf_map_info.netns_dev":  unsafe.Offsetof(MapInfo{}.NetnsDev),
		"bpf_prog_info":           unsafe.Sizeof(info),
		"bpf_prog_info.load_time": unsafe.Offsetof(info.LoadTime),
		"bpf_prog_info.name":      unsafe.Offsetof(info.Name),
		"bpf_prog_info.netns_dev": unsafe.Offsetof(info.NetnsDev),
		"bpf_prog_info.btf_id":    unsafe.Offsetof(info.BTF),
		"bpf_prog_info.func_info": unsafe.Offsetof(info.funcInfo),
		"bpf_prog_info.prog_tags": unsafe.Offsetof(info.progTags),
		"bpf_prog_info.run_cnt":   unsafe.Offsetof(info.Runs),
		"btf_load":                unsafe.Sizeof(btf),
		"btf_load.btf_size":       unsafe.Offsetof(btf.btfSize),
		"obj_get_info_by_fd":      unsafe.Sizeof(objInfoAttr{}),
		"bpf_link_info.tcx":       unsafe.Sizeof(linkInfo{}),
		"get_fd_by_id":            unsafe.Sizeof(idAttr{}),
		"test_run":                unsafe.Sizeof(testRunAttr{}),
		"test_run.repeat":         unsafe.Offsetof(testRunAttr{}.repeat),
		"test_run.ctx_in":         unsafe.Offsetof(testRunAttr{}.ctxIn),
		"prog_stream_read":        unsafe.Sizeof(progStreamReadAttr{}),
		"batch":                   unsafe.Sizeof(batchAttr{}),
		"batch.count":             unsafe.Offsetof(batchAttr{}.count),
		"batch.elem_flags":        unsafe.Offsetof(batchAttr{}.elemFlags),
		"elem":                    unsafe.Sizeof(elemAttr{}),
		"common":                  unsafe.Sizeof(commonAttr{}),
	}
	want := map[string]uintptr{
		"prog_load":               112,
		"common":                  24,
		"test_run":                64,
		"test_run.repeat":         32,
		"test_run.ctx_in":         48,
		"prog_load.log_buf":       32,
		"prog_load.prog_name":     48,
		"prog_load.prog_btf_fd":   72,
		"prog_load.func_info":     80,
		"prog_load.line_info":     96,
		"map_create":              72,
		"map_create.map_name":     28,
		"map_create.map_ifindex":  44,
		"map_create.btf_fd":       48,
		"map_create.map_extra":    64,
		"bpf_map_info.netns_dev":  48,
		"bpf_prog_info":           216,
		"bpf_prog_info.load_time": 40,
		"bpf_prog_info.name":      64,
		"bpf_prog_info.netns_dev": 88,
		"bpf_prog_info.btf_id":    128,
		"bpf_prog_info.func_info": 136,
		"bpf_prog_info.prog_tags": 184,
		"bpf_prog_info.run_cnt":   200,
		"btf_load":                32,
		"btf_load.btf_size":       16,
		"obj_get_info_by_fd":      16,
		"bpf_link_info.tcx":       24,
		"get_fd_by_id":            12,
		"prog_stream_read":        24,
		"batch":                   56,
		"batch.count":             32,
		"batch.elem_flags":        40,
		"elem":                    32,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
}

// TestBatchRefused: nothing was set where the kernel did not come to count.
func TestBatchRefused(t *testing.T) {
	if n, err := UpdateBatch(-1, make([]byte, 12), make([]byte, 12), 3); n != 0 || !errors.Is(err, unix.EBADF) {
		t.Errorf("%d set, %v", n, err)
	}
}

func TestObjName(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"short", "xdp_pass", "xdp_pass"},
		{"cut", "a_very_long_program_name", "a_very_long_pro"},
		{"bytes the kernel refuses", "a b-c/d", "abcd"},
		{"data section", ".rodata", ".rodata"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw := objName(tt.in)
			if got := cString(raw[:]); got != tt.want {
				t.Errorf("objName(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}
