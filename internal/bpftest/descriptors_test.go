package bpftest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// A recorder is a test that ends when it is told to, and keeps its errors.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper() {}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) end() {
	for _, cleanup := range slices.Backward(r.cleanups) {
		cleanup()
	}
}

func TestNoLeaks(t *testing.T) {
	for _, leak := range []bool{false, true} {
		inner := &recorder{TB: t}
		NoLeaks(inner)
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		if !leak {
			inner.Cleanup(func() { f.Close() })
		}
		inner.end()
		told := len(inner.errors) == 1 && strings.Contains(inner.errors[0], os.DevNull)
		if told != leak || len(inner.errors) > 1 {
			t.Errorf("leak %v: %q", leak, inner.errors)
		}
		f.Close()
	}
}
