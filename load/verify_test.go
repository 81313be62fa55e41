package load_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
)

func verified(t *testing.T, object string, o load.VerifyOptions) []load.VerifyResult {
	t.Helper()
	bpftest.Need(t, bpftest.Root)
	results, err := load.Verify(t.Context(), lab.Object(t, object), o)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestVerify(t *testing.T) {
	bpftest.NoLeaks(t)
	results := verified(t, "trials.o", load.VerifyOptions{})
	var bad []string
	for _, r := range results {
		if r.Err == nil {
			if r.Cost.Instructions < 2 || r.Cost.Limit != 1_000_000 {
				t.Errorf("%s: cost %+v", r.Program.Name, r.Cost)
			}
			continue
		}
		bad = append(bad, r.Program.Name)
		if v, ok := errors.AsType[*ebpf.VerifierError](r.Err); !ok || len(v.Log) < 3 {
			t.Errorf("%s: %v, want the verifier's log", r.Program.Name, r.Err)
		}
	}
	if diff := cmp.Diff([]string{"bad_read", "bad_null"}, bad); diff != "" || len(results) != 16 {
		t.Fatalf("of %d programs are refused:\n%s", len(results), diff)
	}
	read := results[0]
	if want := "return count(data[14], XDP_PASS); @ trials.c:27"; read.Source != want && read.Source != strings.TrimSuffix(want, " @ trials.c:27") {
		t.Errorf("source %q, want %q", read.Source, want)
	}
	if !outside.MatchString(read.Cause) {
		t.Errorf("cause %q", read.Cause)
	}
}

// outside is what kernels say of a read behind a packet's end: the second since Linux 7.3.
var outside = regexp.MustCompile(`R1 (offset is outside of the packet|min value is outside of the allowed memory range)$`)

// A map that is pinned where the object's would be is not looked at.
func TestVerifyLeavesPins(t *testing.T) {
	lab.NewBench(t)
	pinned := filepath.Join("/sys/fs/bpf/tc/globals", "trials")
	if err := os.MkdirAll(filepath.Dir(pinned), 0o700); err != nil {
		t.Fatal(err)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 1, ValueSize: 1, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Pin(pinned); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(pinned)
	for _, r := range verified(t, "trials.o", load.VerifyOptions{Select: elf.Selector{Program: "good_xdp0"}}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if err := os.Remove(pinned); err != nil {
		t.Error(err)
	}
}

func TestVerifyKinds(t *testing.T) {
	for _, tt := range []struct {
		name, object string
		options      load.VerifyOptions
		want         map[string]string // the type, or why it is skipped
	}{
		{
			name: "tail programs have the type of what calls them", object: "tail.o",
			want: map[string]string{"entry": "XDP", "tail0": "XDP", "tail1": "XDP", "last": "XDP", "alone": "XDP"},
		},
		{name: "each as its section says", object: "tc.o", want: map[string]string{"cls_ok": "SchedCLS", "act_ok": "SchedACT", "tc_shot": "SchedCLS"}},
		{
			name: "a program that replaces a function", object: "freplace.o",
			want: map[string]string{"replacement": "it replaces a function of another program, and is verified against that program"},
		},
		{
			name: "no type", object: "two.o",
			want: map[string]string{
				"xdp_pass": `section "prog" does not tell the type, and no program that tells one calls it`,
				"xdp_drop": "XDP", "xdp_second": "XDP", "xdp_abrt": "XDP",
			},
		},
		{
			name: "a type that is told", object: "legacy36.o", options: load.VerifyOptions{Select: elf.Selector{Type: ebpf.SchedCLS}},
			want: map[string]string{"xdp_legacy": "SchedCLS"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, bpftest.Fixture(tt.object)...)
			got := map[string]string{}
			for _, r := range verified(t, tt.object, tt.options) {
				if r.Err != nil {
					t.Error(r.Err)
				}
				got[r.Program.Name] = r.Program.Type.String()
				if r.Skipped != "" {
					got[r.Program.Name] = r.Skipped
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A program that asks the driver about packets is verified for a device.
func TestVerifyBound(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.DeviceBound)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	for _, tt := range []struct {
		name    string
		ifindex int
		taken   bool
	}{
		{name: "no device"},
		{name: "a device", ifindex: v0, taken: true},
		{name: "a device that is not there", ifindex: 9999},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns.Do(func() error {
				results, err := load.Verify(t.Context(), lab.Object(t, "rxhash.o"), load.VerifyOptions{Ifindex: tt.ifindex})
				if err == nil && (results[0].Err == nil) != tt.taken {
					t.Errorf("taken: %v, want %v: %v", results[0].Err == nil, tt.taken, results[0].Err)
				}
				return err
			})
		})
	}
}

func TestVerifyErrors(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for _, tt := range []struct {
		name, object string
		options      load.VerifyOptions
		want         string
	}{
		{name: "program", object: "tiny.o", options: load.VerifyOptions{Select: elf.Selector{Program: "nosuch"}}, want: `no program "nosuch"`},
		{name: "section", object: "tiny.o", options: load.VerifyOptions{Select: elf.Selector{Section: "nosuch"}}, want: `no section "nosuch"`},
		{name: "variable", object: "count.o", options: load.VerifyOptions{Variables: []load.Variable{{Name: "nosuch", Value: "1"}}}, want: "no such variable"},
		{
			name: "unused variable", object: "count.o", want: `variable "action"`,
			options: load.VerifyOptions{Select: elf.Selector{Program: "xdp_plain"}, Variables: []load.Variable{{Name: "action", Value: "1"}}},
		},
		{name: "byte order", object: "tiny_be.o", want: "endian"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load.Verify(t.Context(), lab.Object(t, tt.object), tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// CO-RE relocations are resolved against the types that are given: the running
// kernel's, or those of an object that has no task_struct.
func TestVerifyTypes(t *testing.T) {
	bpftest.NoLeaks(t)
	const own = "/sys/kernel/btf/vmlinux"
	types, err := load.OpenTypes(own)
	if err != nil {
		t.Fatal(err)
	}
	if results := verified(t, "core.o", load.VerifyOptions{Types: types}); results[0].Err != nil {
		t.Error(results[0].Err)
	}
	if types, err = load.OpenTypes(testobj.Path(t, "tiny.o")); err != nil {
		t.Fatal(err)
	}
	r := verified(t, "core.o", load.VerifyOptions{Types: types})[0]
	if r.Err == nil || !strings.Contains(r.Cause, "task_struct") || !strings.Contains(r.Source, "core.c:") {
		t.Errorf("refused with %v: %q at %q", r.Err, r.Cause, r.Source)
	}
	if _, err := load.OpenTypes(testobj.Path(t, "tiny_nobtf.o")); err == nil {
		t.Error("an object without types is taken for a kernel")
	}
	for name, want := range map[string]string{
		"/dev/zero":      "begins with 00 00 00 00, which is neither BTF nor ELF",
		"/dev/null":      "the file is empty",
		"verify_test.go": "begins with 70 61 63 6b",
		".":              "is a directory",
	} {
		if _, err := load.OpenTypes(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
