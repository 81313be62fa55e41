package need

import (
	"errors"
	"os"
	"testing"
)

func TestExcused(t *testing.T) {
	absent := errors.New("not there")
	for _, tt := range []struct {
		name    string
		feature Feature
		want    bool
	}{
		{"any kernel may lack it", Feature{}, true},
		{"a later kernel has it", Feature{Since: "99.1"}, true},
		{"this kernel should have it", Feature{Since: "4.1"}, false},
		{"built with it", Feature{Since: "4.1", Config: "CONFIG_BPF_SYSCALL"}, false},
		{"built without it", Feature{Since: "4.1", Config: "CONFIG_NO_SUCH_OPTION"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, known := kernelConfig("CONFIG_BPF"); !known && tt.feature.Config != "" {
				tt.want = false // nothing excuses a kernel that does not show its configuration
			}
			if reason, ok := tt.feature.excused(absent); ok != tt.want {
				t.Errorf("excused = %v (%s), want %v", ok, reason, tt.want)
			}
		})
	}
}

// TestExcusedUser: a plain user who may not ask is not told that the kernel should have it.
func TestExcusedUser(t *testing.T) {
	_, ok := Feature{Since: "4.1"}.excused(os.ErrPermission)
	if user := os.Geteuid() != 0; ok != user {
		t.Errorf("excused = %v, for a plain user: %v", ok, user)
	}
}

func TestOlder(t *testing.T) {
	for _, tt := range []struct {
		release, since string
		want           bool
	}{
		{"6.1.0-30-amd64", "6.6", true},
		{"6.12.1", "6.6", false},
		{"6.6.0", "6.6", false},
		{"5.19", "6.1", true},
		{"7.0", "6.12", false},
	} {
		if got := older(tt.release, tt.since); got != tt.want {
			t.Errorf("older(%s, %s) = %v", tt.release, tt.since, got)
		}
	}
}
