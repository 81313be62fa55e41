package load_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
)

// extern loads a program that asks the kernel for names.
func extern(t *testing.T, object, program string) (*load.Loaded, error) {
	t.Helper()
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	obj, err := elf.Open(testobj.Path(t, object))
	if err != nil {
		t.Fatal(err)
	}
	l, err := load.Load(t.Context(), obj, load.Options{Select: elf.Selector{Program: program, Type: ebpf.XDP}, Pins: load.PinOptions{Off: true}})
	if err == nil {
		t.Cleanup(func() { _ = l.Close() })
	}
	return l, err
}

// variables runs a program, and returns the bytes of its .bss by the names in its object.
func variables(t *testing.T, l *load.Loaded, object string) map[string][]byte {
	t.Helper()
	if verdict, err := l.Program().Program.Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil || verdict != 2 {
		t.Fatalf("verdict %d, %v", verdict, err)
	}
	obj, err := elf.Open(testobj.Path(t, object))
	if err != nil {
		t.Fatal(err)
	}
	vars, err := obj.Variables()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]byte)
	for _, m := range l.Maps {
		b, err := m.LookupBytes(uint32(0))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vars {
			if v.Section == m.Name {
				found[v.Name] = b[v.Offset:][:v.Size]
			}
		}
	}
	return found
}

// TestKernelSettings: the program reads what the kernel was built with.
func TestKernelSettings(t *testing.T) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	l, err := extern(t, "kernel_names.o", "settings")
	config := kernelConfig(t, release)
	if config == nil && err != nil && strings.Contains(err.Error(), "the kernel's configuration is neither in") {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got := variables(t, l, "kernel_names.o")
	code := number(got["version"])
	if v := fmt.Sprintf("%d.%d.", code>>16, code>>8&0xff); !strings.HasPrefix(release, v) {
		t.Errorf("version %s of %s", v, release)
	}
	want := map[string]string{"syscall": "1", "bpf": "1", "wrapper": "1", "cookie": fmt.Sprint(min(1, code/(5<<16|15<<8)))}
	want["hz"] = config["CONFIG_HZ"]
	want["host"] = fmt.Sprint(strings.Trim(config["CONFIG_DEFAULT_HOSTNAME"]+"\x00", `"`)[0])
	for name, value := range want {
		if n := number(got[name]); fmt.Sprint(n) != value {
			t.Errorf("%s is %d, not %s", name, n, value)
		}
	}
}

func number(b []byte) (n uint64) {
	for i := range b {
		n |= uint64(b[i]) << (8 * i)
	}
	return n
}

// kernelConfig reads the configuration that the kernel itself shows, or the one that
// its package has, nil for none.
func kernelConfig(t *testing.T, release string) map[string]string {
	t.Helper()
	var text io.Reader
	if b, err := os.ReadFile("/proc/config.gz"); err == nil {
		if text, err = gzip.NewReader(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
	} else if b, err = os.ReadFile("/boot/config-" + release); err == nil {
		text = bytes.NewReader(b)
	} else if b, err = os.ReadFile("/lib/modules/" + release + "/config"); err == nil {
		text = bytes.NewReader(b)
	} else {
		return nil
	}
	config := make(map[string]string)
	for lines := bufio.NewScanner(text); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		config[name] = value
	}
	return config
}

// TestKernelAddress: a symbol without a type is the address that /proc/kallsyms has.
func TestKernelAddress(t *testing.T) {
	l, err := extern(t, "kernel_names.o", "address_only")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("%016x T bpf_prog_put\n", number(variables(t, l, "kernel_names.o")["address"]))
	if !bytes.Contains(b, []byte(line)) {
		t.Errorf("the kernel has no %q", line)
	}
}

// TestKernelAbsent: what the kernel does not have is named, in words about the program.
func TestKernelAbsent(t *testing.T) {
	for program, want := range map[string]string{
		"wants_function": "function absent_function of the kernel: neither this kernel nor a module that is loaded has it",
		"wants_address":  "symbol absent_address of the kernel: neither this kernel nor a module that is loaded shows one of that name",
		"wants_number":   "symbol absent_number of the kernel: neither this kernel nor a module that is loaded shows one of that name",
		"wants_setting":  "setting CONFIG_ABSENT of the kernel: this kernel's configuration has no such setting: declare it __weak to read 0",
	} {
		if _, err := extern(t, "kernel_absent.o", program); err == nil || err.Error() != "program "+program+": "+want {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// TestKernelTyped: the verifier finds a variable by the number of its type, and its
// address if the kernel keeps addresses of variables.
func TestKernelTyped(t *testing.T) {
	bpftest.Need(t, bpftest.Feature{Name: "variables among the kernel's types, which are up to the tool that wrote them", Probe: func() error {
		types, err := btf.LoadKernelSpec()
		if err != nil {
			return err
		}
		var v *btf.Var
		return types.TypeByName("bpf_prog_active", &v)
	}})
	if _, err := extern(t, "kernel_absent.o", "typed"); err != nil && !strings.Contains(err.Error(), "failed to find the address for kernel symbol 'bpf_prog_active'") {
		t.Error(err)
	}
}
