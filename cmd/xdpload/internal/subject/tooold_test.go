package subject

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
)

// What a kernel refuses by a number alone is looked up.
func TestTooOld(t *testing.T) {
	for _, tt := range []struct {
		name, object string
		err          error
		kernel       check.Kernel
		want         string
	}{
		{"frags", "frags.o", &load.Error{Program: "xdp_frags", Err: unix.EINVAL}, check.Kernel{Major: 5, Minor: 10}, "XDP with frags needs Linux 5.18, and this is 5.10"},
		{"new enough", "frags.o", &load.Error{Program: "xdp_frags", Err: unix.EINVAL}, check.Kernel{Major: 6, Minor: 1}, ""},
		{"callback", "callback.o", &load.Error{Program: "xdp_callback", Err: unix.EINVAL}, check.Kernel{Major: 5, Minor: 10}, "helper bpf_loop needs Linux 5.17, and this is 5.10"},
		{"map", "kinds.o", &load.Error{Map: "bloom", Err: unix.EINVAL}, check.Kernel{Major: 5, Minor: 10}, "map type bloom_filter needs Linux 5.16, and this is 5.10"},
		{"another map", "kinds.o", &load.Error{Map: "queue", Err: unix.EINVAL}, check.Kernel{Major: 5, Minor: 10}, ""},
		{"another number", "frags.o", &load.Error{Program: "xdp_frags", Err: unix.EPERM}, check.Kernel{Major: 5, Minor: 10}, ""},
		{"no load", "frags.o", errors.Join(unix.EINVAL), check.Kernel{Major: 5, Minor: 10}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			obj, err := elf.Open(testobj.Path(t, tt.object))
			if err != nil {
				t.Fatal(err)
			}
			if got := tooOld(obj, tt.err, tt.kernel); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
