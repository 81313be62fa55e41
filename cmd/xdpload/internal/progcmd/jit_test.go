package progcmd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
)

// settingsDir is a directory like that of the kernel.
func settingsDir(t *testing.T, settings map[string]string) string {
	dir := t.TempDir()
	for name, value := range settings {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func jitText(t *testing.T, r *jitReport) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Write(&b, r, render.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTellJIT(t *testing.T) {
	dir := settingsDir(t, map[string]string{
		"bpf_jit_enable": "1\n", "bpf_jit_harden": "2\n", "bpf_jit_kallsyms": "7\n", "bpf_jit_limit": "264241152\n", "netdev_budget": "300\n",
	})
	r, err := tellJIT(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Programs, r.Size = 2, 4096
	want := `net.core.bpf_jit_enable            1  programs are compiled
net.core.bpf_jit_harden            2  constants of all programs are blinded, and no program is in /proc/kallsyms
net.core.bpf_jit_kallsyms          7  unknown to this version
net.core.bpf_jit_limit     264241152  bytes of code, beyond which only CAP_BPF can load programs
2 compiled programs, 4.0 KiB of machine code
`
	if got := jitText(t, r); got != want {
		t.Errorf("told\n%swant\n%s", got, want)
	}
}

func TestSetJIT(t *testing.T) {
	dir := settingsDir(t, map[string]string{"bpf_jit_harden": "0\n", "netdev_budget": "300\n"})
	harden := &jitSettings[1]
	r, err := setJIT(dir, harden, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := jitText(t, r); !strings.Contains(got, "bpf_jit_harden  1  constants of unprivileged users' programs are blinded") || !strings.Contains(got, "(was 0)") {
		t.Errorf("told %s", got)
	}
}

func TestNoJIT(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings map[string]string
		want     string
	}{
		{"another namespace", nil, "only the machine's first one"},
		{"no compiler", map[string]string{"netdev_budget": "300"}, "CONFIG_BPF_JIT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := settingsDir(t, tt.settings)
			_, err := tellJIT(dir)
			if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("tell: %v", err)
			}
			if _, err = setJIT(dir, &jitSettings[0], 1); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("set: %v", err)
			}
			if files, _ := os.ReadDir(dir); len(files) != len(tt.settings) {
				t.Errorf("made a file of %v", files)
			}
		})
	}
}

// TestJITHints knows what keeps a container from the settings.
func TestJITHints(t *testing.T) {
	first := settingsDir(t, map[string]string{"netdev_budget": "300"})
	for _, tt := range []struct {
		dir   string
		errno unix.Errno
		want  string // in the hint, empty for none
	}{
		{t.TempDir(), unix.ENOENT, "-netns /proc/1/ns/net"},
		{first, unix.EROFS, "read-only"},
		{first, unix.ENOENT, ""},
	} {
		err := jitError(tt.dir, &os.PathError{Op: "open", Path: jitSettings[0].path(tt.dir), Err: tt.errno})
		x, ok := errors.AsType[env.Hinter](err)
		if ok != (tt.want != "") || ok && !strings.Contains(x.Hints()[0], tt.want) {
			t.Errorf("%v: %#v, want a hint with %q", tt.errno, err, tt.want)
		}
	}
}

// TestJITKernel changes the settings of a machine, which a guest is for.
func TestJITKernel(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Guest)
	err := netns.Do("/proc/1/ns/net", func() error {
		for i := range jitSettings {
			s := &jitSettings[i]
			before, err := s.read(jitDir)
			if err != nil {
				return err
			}
			value := s.Max
			if s.Name == "limit" {
				value = before - 4096
			}
			_, err = setJIT(jitDir, s, value)
			if pinned := s.Name == "enable" && errors.Is(err, unix.EINVAL); pinned {
				if !strings.Contains(err.Error(), "CONFIG_BPF_JIT_ALWAYS_ON") {
					t.Error(err)
				}
				continue
			}
			if err != nil {
				return err
			}
			if now, err := s.read(jitDir); err != nil || now != value {
				t.Errorf("%s is %d, not %d: %v", s.Name, now, value, err)
			}
			if _, err := setJIT(jitDir, s, before); err != nil {
				return err
			}
		}
		_, err := setJIT(jitDir, &jitSettings[3], 1<<60)
		if !errors.Is(err, unix.EINVAL) {
			t.Errorf("limit beyond all memory: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
