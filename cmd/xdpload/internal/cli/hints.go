package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/offloadcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/pincmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/progcmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/tccmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/tcxcmd"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// Hints are the ways out of an error: those that it has itself, or else those of the
// first row that knows it.
func Hints(err error) []string {
	if several, ok := errors.AsType[*subject.DevicesError](err); ok {
		return devicesHints(several)
	}
	if x, ok := errors.AsType[env.Hinter](err); ok {
		if out := x.Hints(); out != nil {
			return out
		}
	}
	for _, known := range []func(error) []string{
		syntaxHints, notFoundHints, offloadcmd.BindHints, verifierHints, tokenHints, tcxcmd.MultiHints, occupiedHints, pincmd.PinHints, tccmd.ClsactHints,
		kernelHints, unsuitableHints, progcmd.HiddenHints, progcmd.JITHints, permissionHints,
	} {
		if out := known(err); out != nil {
			return out
		}
	}
	return nil
}

func syntaxHints(err error) []string {
	x, ok := errors.AsType[*grammar.SyntaxError](err)
	switch {
	case !ok:
		return nil
	case x.Command == "":
		return []string{"xdpload help"}
	}
	return []string{"xdpload " + x.Command + " help"}
}

func notFoundHints(err error) []string {
	x, ok := errors.AsType[*elf.NotFoundError](err)
	if !ok || len(x.Have) == 0 {
		return nil
	}
	want := x.Selector.Type
	i := slices.IndexFunc(x.Have, func(p elf.Program) bool {
		return p.RunsOn(want) && (want == ebpf.UnspecifiedProgram || p.Type == want || p.Type == ebpf.UnspecifiedProgram)
	})
	if i < 0 {
		why := &elf.TypeError{Program: x.Have[0], Want: want}
		return []string{why.Error()}
	}
	return []string{fmt.Sprintf("choose one with section %s or program %s", x.Have[i].Section, x.Have[i].Name)}
}

func verifierHints(err error) []string {
	if x, ok := errors.AsType[*ebpf.VerifierError](err); !ok || len(x.Log) == 0 {
		return nil
	}
	if x, ok := errors.AsType[*env.ObjectError](err); ok && x.Verbose {
		return []string{} // all there is has been said
	}
	return []string{"add verbose for the verifier's whole log"}
}

// tokenHints knows a fault of cilium/ebpf: it takes every mount of a BPF file
// system for a directory, and gives up on one that is a file.
func tokenHints(err error) []string {
	_, rest, ok := strings.Cut(err.Error(), "create token from \"")
	if !ok || !errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	path, _, _ := strings.Cut(rest, "\"")
	return []string{"a single file of a BPF file system is mounted at " + path + ", which hides how to load: umount " + path}
}

func occupiedHints(err error) []string {
	x, ok := errors.AsType[*attach.OccupiedError](err)
	if !ok || len(x.Attachments) == 0 {
		return nil
	}
	a := x.Attachments[0]
	if a.Filter != nil {
		return []string{"xdpload tc filter replace … changes it"}
	}
	if a.Link != nil {
		return []string{subject.DetachLink(x.Device, a.Hook(), a.Link.ID) + " detaches it for good"}
	}
	if refused, ok := errors.AsType[*netlink.Error](err); ok && refused.Errno() == unix.EEXIST {
		return []string{
			fmt.Sprintf("replace the %s program: xdpload -force link set dev %s %s …", a.Mode, x.Device, a.Mode.Keyword()),
			fmt.Sprintf("or detach it first: xdpload link set dev %s xdp off", x.Device),
		}
	}
	return []string{"-force replaces it: xdpload -force link set …"}
}

// kernelHints go by what the kernel, or a driver, says.
func kernelHints(err error) []string {
	x, ok := errors.AsType[*netlink.Error](err)
	if !ok || x.Message == "" {
		return nil
	}
	switch says := strings.ToLower(x.Message); {
	case strings.Contains(says, "mtu"):
		return []string{
			"a program in section xdp.frags takes packets of several buffers: SEC(\"xdp.frags\")",
			"or lower the MTU: ip link set … mtu 1500",
		}
	case errors.Is(err, errors.ErrUnsupported) && strings.Contains(says, "native"):
		return []string{"xdpgeneric runs on any device"}
	case strings.Contains(says, "lro"):
		return []string{"turn large receive offload off: ethtool -K DEV lro off"}
	case strings.Contains(says, "queue") || strings.Contains(says, "channel"):
		return []string{"lower the number of queues: ethtool -L DEV combined N"}
	}
	return nil
}

func unsuitableHints(err error) []string {
	x, ok := errors.AsType[*prog.UnsuitableError](err)
	if !ok || !x.Offload {
		return nil
	}
	if x.Type == ebpf.SchedCLS {
		return []string{"without skip_sw the kernel runs the filter"}
	}
	return []string{"xdpdrv runs in the driver, xdpgeneric on any device"}
}

func permissionHints(err error) []string {
	if !errors.Is(err, os.ErrPermission) {
		return nil
	}
	if path, ok := errors.AsType[*os.PathError](err); ok {
		if why := pincmd.NoPin(path); why != "" {
			return []string{why}
		}
		return []string{"no access to " + path.Path + ": run it as root"}
	}
	if missing := subject.MissingCapabilities(); len(missing) > 0 {
		return []string{"this takes " + strings.Join(missing, " and ") + ", which this process lacks: run it as root"}
	}
	if subject.Lacks(unix.CAP_SYS_ADMIN) {
		return []string{"to open what is named by its id, and to enter a namespace, takes CAP_SYS_ADMIN, which this process lacks: run it as root"}
	}
	return []string{"the process has the capabilities: look for a security module or kernel lockdown, in /sys/kernel/security/lockdown"}
}

// devicesHints are those of each device's error, each once, and no more than a person
// reads.
func devicesHints(e *subject.DevicesError) []string {
	const most = 4
	var all []string
	seen := make(map[string]bool)
	reasons := make(map[string]bool)
	for _, f := range e.Failed {
		if reason := f.Err.Error(); !reasons[reason] {
			reasons[reason] = true
			for _, hint := range Hints(f.Err) {
				if !seen[hint] && len(all) < most {
					seen[hint] = true
					all = append(all, hint)
				}
			}
		}
	}
	return all
}
