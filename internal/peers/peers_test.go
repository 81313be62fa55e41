package peers

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestBin(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, tt := range []struct{ xdg, want string }{
		{"", filepath.Join(home, ".cache/xdpload/kernels/peers/bin")},
		{"relative", filepath.Join(home, ".cache/xdpload/kernels/peers/bin")},
		{filepath.Join(home, "c"), filepath.Join(home, "c/xdpload/kernels/peers/bin")},
	} {
		t.Setenv("XDG_CACHE_HOME", tt.xdg)
		if err := os.RemoveAll(tt.want); err != nil {
			t.Fatal(err)
		}
		if dir, err := Bin(); !errors.Is(err, ErrNotFetched) {
			t.Errorf("XDG_CACHE_HOME=%s: before: %s, %v", tt.xdg, dir, err)
		}
		if err := os.MkdirAll(tt.want, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir, err := Bin(); dir != tt.want || err != nil {
			t.Errorf("XDG_CACHE_HOME=%s: %s, %v", tt.xdg, dir, err)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if _, err := Version("ip"); !errors.Is(err, ErrNotFetched) {
		t.Errorf("before: %v", err)
	}
	cache, err := Cache()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "kernels/peers/bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, VersionsFile), []byte("ip 7.3.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Version("ip"); got != "7.3.0" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := Version("tc"); err == nil {
		t.Errorf("tc %s", got)
	}
}
