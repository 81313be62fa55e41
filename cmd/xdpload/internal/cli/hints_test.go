package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

type known struct {
	err  error
	want []string // the beginning of each hint
}

// knownErrors are one of each kind that has hints of its own, in the layers in
// which it comes.
func knownErrors() map[string]known {
	path := func(op, path string, err error) error { return &os.PathError{Op: op, Path: path, Err: err} }
	occupied := func(a attach.Attachment, err error) error {
		return &attach.OccupiedError{Device: "v0", Attachments: []*attach.Attachment{&a}, Err: err}
	}
	busy := &attach.HookError{Op: "attach", Hook: "tcx/ingress", Cause: "a bpf_link holds it", Err: syscall.EBUSY}
	exists := &netlink.Error{Op: "attach xdp", Message: "XDP program already attached", Err: syscall.EEXIST}
	filter := attach.Attachment{Filter: &attach.FilterInfo{Filter: netlink.Filter{Pref: 7, Handle: 1}}}
	link := attach.Attachment{Multi: &attach.MultiInfo{Hook: "tcx/ingress"}, Link: &attach.LinkInfo{ID: 9}}
	log := func(line string) error { return &ebpf.VerifierError{Cause: syscall.EACCES, Log: []string{line}} }
	return map[string]known{
		"words":              {&grammar.SyntaxError{Command: "link set"}, []string{"xdpload link set help"}},
		"an option":          {&env.OptionError{Err: errors.New("jobs")}, []string{"xdpload help"}},
		"no device":          {&env.DeviceError{Name: "v0", Err: os.ErrNotExist}, []string{"xdpload link show"}},
		"no program chosen":  {&elf.NotFoundError{Have: []elf.Program{{Name: "a", Section: "xdp"}}}, []string{"choose one with section xdp"}},
		"verifier":           {log("invalid access"), []string{"add verbose"}},
		"verifier, all said": {&env.ObjectError{Verbose: true, Err: log("invalid access")}, nil},
		"verifier, unbound":  {log("metadata kfuncs require device-bound program"), []string{"it asks the driver"}},
		"several filters":    {&attach.AmbiguousError{Attachments: []*attach.Attachment{&filter}}, []string{"name one: pref 7 handle 0x1"}},
		"ingress qdisc":      {&attach.NoEgressError{}, []string{"a clsact qdisc has both: xdpload tc qdisc del dev v0 ingress"}},
		"no such anchor":     {&attach.AnchorError{Hook: "tcx/ingress", Missing: true}, []string{"xdpload tcx show dev v0"}},
		"no tcx":             {&attach.HookError{Hook: "tcx/ingress", Since: "6.6", Cause: "too old", Err: syscall.EINVAL}, []string{"the filter that does the same"}},
		"old revision":       {&attach.HookError{Hook: "tcx/ingress", Cause: "another", Err: syscall.ESTALE}, []string{"xdpload tcx show dev v0 shows"}},
		"netkit's peer":      {&attach.HookError{Hook: "netkit/peer", Cause: "attached through nk0", Err: syscall.EACCES}, nil},
		"taken by a filter":  {occupied(filter, fmt.Errorf("a filter: %w", os.ErrExist)), []string{"replace changes it: xdpload …"}},
		"taken by a link":    {occupied(link, busy), []string{"xdpload tcx detach dev v0 ingress link 9 detaches it"}},
		"taken from a link": {
			occupied(attach.Attachment{}, &attach.HookError{Hook: "xdp", Cause: "attached", Err: syscall.EBUSY}),
			[]string{"detach it first: xdpload link set dev v0 xdp off"},
		},
		"taken": {occupied(attach.Attachment{Mode: netlink.XDPNative}, exists), []string{"replace the native program", "or detach it first"}},
		"taken in another mode": {
			occupied(attach.Attachment{}, &netlink.Error{Op: "attach xdp", Err: syscall.EBUSY}),
			[]string{"-force replaces it"},
		},
		"another map given":   {path("pin", "/sys/fs/bpf/m", &pin.MismatchError{Path: "m", Given: true}), []string{"\"map NAME …\" takes a map as it is"}},
		"another map":         {path("pin", "/sys/fs/bpf/m", &pin.MismatchError{Path: "m"}), []string{"on-mismatch recreate"}},
		"another owner":       {&prog.OwnerError{Array: "/sys/fs/bpf/jmp"}, []string{"on-mismatch does not help here"}},
		"no offload":          {&prog.UnsuitableError{Offload: true, Type: ebpf.SchedCLS, Err: syscall.EOPNOTSUPP}, []string{"without skip_sw"}},
		"a sentence":          {&netlink.Error{Message: "Filter already exists", Err: syscall.EEXIST}, []string{"replace takes its place: xdpload …"}},
		"a sentence of EPERM": {&netlink.Error{Message: "Failed to delete TC action", Err: syscall.EPERM}, []string{"a filter uses it"}},
		"a pin":               {path("pin", "/sys/fs/bpf/p", syscall.EEXIST), []string{"xdpload pin rm /sys/fs/bpf/p"}},
		"a pinned link":       {path("pin link", "/sys/fs/bpf/l", os.ErrExist), []string{"-force updates", "xdpload pin rm /sys/fs/bpf/l removes"}},
		"no pinned link":      {path("pin link", "/sys/fs/bpf/p", attach.ErrNotLink), []string{"choose another path"}},
		"a detached link":     {path("update", "/sys/fs/bpf/l", attach.ErrLinkDetached), []string{"xdpload pin rm /sys/fs/bpf/l, then"}},
		"a link that stays":   {path("update", "/sys/fs/bpf/l", busy), []string{"without first, last", "xdpload pin rm /sys/fs/bpf/l detaches"}},
		"no BPF file system":  {path("open", "/srv", pin.ErrNotBPFFS), []string{"findmnt"}},
		"another's directory": {path("use", "/sys/fs/bpf/xdpload", pin.ErrForeign), []string{"ls -lR /sys/fs/bpf/xdpload", "mode 700"}},
		"not mounted":         {path("open", pin.DefaultRoot, syscall.ENOENT), []string{"mount -t bpf -o mode=700 bpf " + pin.DefaultRoot, "or name"}},
		"no access":           {path("open", "/srv/a.o", syscall.EACCES), []string{"no access to /srv/a.o"}},
		"long filter": {
			&netlink.Error{Op: "delete filter", Message: "Failed to build del event notification", Err: syscall.EINVAL},
			[]string{"before Linux 6.15 the kernel has no room to tell of so long a filter: without the handle"},
		},
		"a token": {
			fmt.Errorf("create token from \"/srv/spot\": %w", syscall.ENOTDIR),
			[]string{"a single file of a BPF file system is mounted at /srv/spot"},
		},
		"privilege":            {&netlink.Error{Op: "attach xdp", Err: syscall.EPERM}, []string{""}}, // which, the process decides
		"several devices":      {&subject.DevicesError{Failed: []subject.DeviceFailure{{Err: exists}, {Err: busy}, {Err: log("")}}}, []string{"add verbose"}},
		"nothing known of it":  {errors.New("no"), nil},
		"nothing known of EIO": {path("read", "/srv/a.o", syscall.EIO), nil},
	}
}

// TestHints: an error has the same hints whatever is around it and beside it.
func TestHints(t *testing.T) {
	other := errors.New("and a file cannot be closed")
	for name, tt := range knownErrors() {
		t.Run(name, func(t *testing.T) {
			for how, err := range map[string]error{
				"bare":         tt.err,
				"wrapped":      fmt.Errorf("object: %w", tt.err),
				"with another": errors.Join(tt.err, other),
				"after one":    fmt.Errorf("%w: %w", other, tt.err),
			} {
				got := Hints(&env.CommandError{Command: "tcx attach", Err: &env.LinkError{Device: "v0", Err: err}})
				if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
					t.Errorf("%s: %v: hints %q, want %q", how, err, got, tt.want)
				}
			}
		})
	}
}

// TestHintedLine: the line that failed is printed whole, as a shell reads it, and works
// where it was given.
func TestHintedLine(t *testing.T) {
	line := env.Line{Options: []string{"-bpffs", "/my fs"}, Words: []string{"link", "set", "dev", "xdp", "xdp", "obj", "$(id).o"}}
	there := func(m netlink.XDPMode, errno syscall.Errno) error {
		return &attach.OccupiedError{Device: "q;b", Attachments: []*attach.Attachment{{Mode: m}}, Err: &netlink.Error{Err: errno}}
	}
	filter := env.Line{Words: []string{"tc", "filter", "add", "dev", "add", "bpf", "obj", "a.o"}}
	unhooked := &netlink.Error{Message: "Qdisc not classful", Err: syscall.EINVAL}
	for _, tt := range []struct {
		name string
		line env.Line
		err  error
		want []string
	}{
		{"-force", line, there(netlink.XDPNative, syscall.EBUSY), []string{"-force replaces it: xdpload -force -bpffs '/my fs' link set dev xdp xdp obj '$(id).o'"}},
		{"another mode", line, there(netlink.XDPGeneric, syscall.EEXIST), []string{
			"replace the generic program: xdpload -force -bpffs '/my fs' link set dev xdp xdpgeneric obj '$(id).o'",
			"or detach it first: xdpload link set dev 'q;b' xdp off",
		}},
		{"what is frozen", line, &mapdata.FrozenError{Err: syscall.EPERM}, []string{"obj FILE … set VAR=VALUE gives it another value, where the program is loaded"}},
		{"a filter", filter, &netlink.Error{Message: "Filter already exists"}, []string{"replace takes its place: xdpload tc filter replace dev add bpf obj a.o"}},
		{"busy", filter, fmt.Errorf("publish pins: %w", &pin.BusyError{PID: 7}), []string{"wait longer: xdpload -lock-timeout 60 tc filter add dev add bpf obj a.o"}},
		{"busy for as long as was asked", env.Line{Options: []string{"--lock-timeout=2"}, Words: []string{"pin", "gc"}}, new(pin.BusyError), nil},
		{"no hook", filter, unhooked, []string{"without ingress or egress a filter is on the root qdisc: xdpload tc filter add dev add ingress bpf obj a.o"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Hints(&env.CommandError{Line: tt.line, Err: tt.err})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if here, without := procHints(t.TempDir()), procHints(t.TempDir()+"/none"); here != nil || len(without) != 1 {
		t.Errorf("with /proc %q, without %q", here, without)
	}
	for _, tt := range []struct{ netns, bpffs, hint, want string }{
		{"", "", "xdpload link show", "xdpload link show"},
		{"a b", "", "xdpload link show, or ip link set dev v0 up", "xdpload -netns 'a b' link show, or ip netns exec 'a b' ip link set dev v0 up"},
		{"/proc/7/ns/net", "", "ethtool -l v0 shows them", "nsenter --net=/proc/7/ns/net ethtool -l v0 shows them"},
		{"a", "", "xdpload -netns b link show", "xdpload -netns b link show"},
		{"a", "", "ls -l /fs/xdpload shows it, and (xdpload pin rm -r /fs/xdpload ) removes it", "ls -l /fs/xdpload shows it, and (xdpload -netns a pin rm -r /fs/xdpload ) removes it"},
		{"a", "/my fs", "xdpload pin show lists them", "xdpload -netns a -bpffs '/my fs' pin show lists them"},
		{"a", "/fs", "mount -t bpf bpf DIR makes one, xdpload -bpffs DIR … uses it", "mount -t bpf bpf DIR makes one, xdpload -netns a -bpffs DIR … uses it"},
	} {
		if got := (&env.Env{Globals: env.Globals{Netns: tt.netns, BPFFS: tt.bpffs}}).Here(tt.hint); got != tt.want {
			t.Errorf("in %q, %q: got %q, want %q", tt.netns, tt.bpffs, got, tt.want)
		}
	}
}
