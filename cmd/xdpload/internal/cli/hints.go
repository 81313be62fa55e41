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
	"github.com/xdpload/xdpload/cmd/xdpload/internal/pincmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/tccmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/tcxcmd"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// Hints are the ways out of an error: those of the outermost of the errors that it
// wraps that has any. Nil is none; no lines are an error that needs none.
func Hints(err error) []string { return hintsWithin(err, err) }

func hintsWithin(layer, err error) []string {
	if out := hintsOf(layer, err); out != nil {
		return out
	}
	var inner []error
	switch x := layer.(type) { //nolint:errorlint // one layer after the other
	case interface{ Unwrap() error }:
		inner = []error{x.Unwrap()}
	case interface{ Unwrap() []error }:
		inner = x.Unwrap()
	}
	for _, layer := range inner {
		if out := hintsWithin(layer, err); out != nil {
			return out
		}
	}
	return nil
}

// hintsOf are the hints of one layer of err, whose type alone decides who knows it: an
// error that knows its way out, or a case of the table, in which none comes before another.
func hintsOf(layer, err error) []string {
	if x, ok := layer.(env.Hinter); ok { //nolint:errorlint // this layer
		return x.Hints()
	}
	switch x := layer.(type) { //nolint:errorlint // this layer
	case *subject.DevicesError:
		return devicesHints(x, err)
	case *grammar.SyntaxError:
		return syntaxHints(x)
	case *elf.NotFoundError:
		return notFoundHints(x)
	case *elf.TypeError:
		return subject.TypeHints(x)
	case *ebpf.VerifierError:
		return verifierHints(x, err)
	case *attach.AmbiguousError:
		return tccmd.AmbiguousHints(x)
	case *attach.AnchorError:
		return tcxcmd.AnchorHints(x, err, deviceOf(err))
	case *attach.HookError:
		return tcxcmd.HookHints(x, deviceOf(err))
	case *attach.NoEgressError:
		return tccmd.NoEgressHints(deviceOf(err))
	case *attach.OccupiedError:
		return occupiedHints(x, env.LineOf(err))
	case *subject.HeldError:
		return subject.HeldHints(x, env.LineOf(err))
	case *pin.BusyError:
		return busyHints(env.LineOf(err))
	case *mapdata.FrozenError:
		return []string{"obj FILE … set VAR=VALUE gives it another value, where the program is loaded"}
	case *pin.MismatchError:
		if x.Given {
			return []string{"\"map NAME …\" takes a map as it is: name one that fits, or leave it out for a new one"}
		}
		return []string{"on-mismatch recreate pins a new map in its place, on-mismatch migrate copies the entries too"}
	case *prog.IDError:
		return adminHints(x, "to list "+x.Kind+"s, and to open one by its id,", ", or name a pin")
	case *netns.EnterError:
		return adminHints(x, "to enter a network namespace", "")
	case *prog.OwnerError:
		return []string{"on-mismatch does not help here: pin the array of this object elsewhere, or " + render.Shell("xdpload", "pin", "rm", x.Array)}
	case *prog.UnsuitableError:
		return unsuitableHints(x)
	case *netlink.Error:
		return kernelHints(x, err)
	case *os.PathError:
		if x.Op == "pin link" || x.Op == "update" {
			return tcxcmd.LinkPinHints(x, err, deviceOf(err))
		}
		return pincmd.PathHints(x, env.LineOf(err))
	case unix.Errno:
		return errnoHints(x, err)
	}
	return nil
}

// deviceOf is the device that an error is about.
func deviceOf(err error) string {
	if x, ok := errors.AsType[*env.LinkError](err); ok {
		return x.Device
	}
	return "DEV"
}

func syntaxHints(x *grammar.SyntaxError) []string {
	switch {
	case x.Meant != "":
		return []string{x.Meant}
	case x.Command == "":
		return []string{"xdpload help"}
	}
	return []string{"xdpload " + x.Command + " help"}
}

func notFoundHints(x *elf.NotFoundError) []string {
	if len(x.Have) == 0 {
		return nil
	}
	want := x.Selector.Type
	i := slices.IndexFunc(x.Have, func(p elf.Program) bool {
		return p.RunsOn(want) && (x.Selector.Force || want == ebpf.UnspecifiedProgram || p.Type == want || p.Type == ebpf.UnspecifiedProgram)
	})
	if i < 0 {
		why := &elf.TypeError{Program: x.Have[0], Want: want, Mild: x.Have[0].RunsOn(want)}
		return append([]string{why.Error()}, subject.TypeHints(why)...)
	}
	choice := render.Shell("program", x.Have[i].Name)
	shared := func(p elf.Program) bool { return p.Section == x.Have[i].Section && p.Name != x.Have[i].Name }
	if !slices.ContainsFunc(x.Have, shared) {
		choice = render.Shell("section", x.Have[i].Section) + " or " + choice
	}
	return []string{"choose one with " + choice}
}

func verifierHints(v *ebpf.VerifierError, err error) []string {
	switch {
	case len(v.Log) == 0:
		return nil
	case subject.WantsPerfmon(v.Log):
		return []string{subject.PerfmonHint}
	case slices.ContainsFunc(v.Log, subject.AsksDriver):
		return []string{"it asks the driver about packets: tie it to the device with bind, as in link set dev DEV xdp obj FILE bind"}
	}
	if x, ok := errors.AsType[*env.ObjectError](err); ok && x.Verbose {
		return []string{} // all there is has been said
	}
	return []string{"add verbose for the verifier's whole log"}
}

// busyHints wait longer, if the line does not say how long.
func busyHints(line env.Line) []string {
	const option = "lock-timeout"
	if slices.ContainsFunc(slices.Concat(line.Options, line.Words), func(w string) bool { return strings.Contains(w, option) }) {
		return nil
	}
	return []string{"wait longer: " + line.With([]string{"-" + option, "60"})}
}

func occupiedHints(x *attach.OccupiedError, line env.Line) []string {
	if len(x.Attachments) == 0 {
		return nil
	}
	a := x.Attachments[0]
	if a.Filter != nil {
		return []string{"replace changes it: " + replacing(line)}
	}
	if a.Link != nil {
		return []string{subject.DetachLink(x.Device, a.Hook(), a.Link.ID) + " detaches it for good"}
	}
	off := "detach it first: " + render.Shell("xdpload", "link", "set", "dev", x.Device, "xdp", "off")
	if _, link := errors.AsType[*attach.HookError](x); link {
		return []string{off}
	}
	refused, ok := errors.AsType[*netlink.Error](x)
	switch {
	case ok && strings.Contains(refused.Message, "BPF XDP link"):
		return []string{"a bpf_link holds the program, and to tell which takes CAP_SYS_ADMIN; where xdpload pin show shows it, pin rm detaches it"}
	case ok && refused.Errno() == unix.EEXIST:
		there := line.As(a.Mode.Keyword(), "xdp", "xdpgeneric", "xdpdrv", "xdpoffload")
		return []string{fmt.Sprintf("replace the %s program: %s", a.Mode, there.Forced()), "or " + off}
	}
	return []string{"-force replaces it: " + line.Forced()}
}

// replacing is a line that adds a filter, as one that replaces it.
func replacing(line env.Line) string { return line.As("replace", "add", "ad", "a").With(nil) }

// kernelHints go by what the kernel says.
func kernelHints(x *netlink.Error, err error) []string {
	line := env.LineOf(err)
	switch says := strings.ToLower(x.Message); {
	case strings.HasPrefix(says, "qdisc not classful"), strings.HasPrefix(says, "class doesn't support blocks"):
		if line.Has("ingress") || line.Has("egress") || line.Has("parent") || line.Has("root") {
			return nil
		}
		return []string{"without ingress or egress a filter is on the root qdisc: " + line.BehindDevice("ingress")}
	case strings.HasPrefix(says, "this filter block is shared"):
		return []string{"xdpload tc filter … block N …, with the N that tc qdisc show tells"}
	case strings.HasPrefix(says, "protocol mismatch"), strings.HasPrefix(says, "filter with specified priority/protocol not found"):
		if deletes(err) {
			return []string{render.Shell("xdpload", "tc", "filter", "show", "dev", deviceOf(err)) + ", or if-exists to delete it if it is there"}
		}
		return []string{"all filters of one pref have the same protocol: take its protocol, or another pref"}
	case deletes(err) && (strings.HasPrefix(says, "specified filter handle not found") || strings.HasPrefix(says, "parent qdisc doesn't exist")):
		return []string{render.Shell("xdpload", "tc", "filter", "show", "dev", deviceOf(err)) + ", or if-exists to delete it if it is there"}
	case strings.HasPrefix(says, "filter already exists"):
		return []string{"replace takes its place: " + replacing(line)}
	case strings.HasPrefix(says, "failed to delete tc action"):
		return []string{"a filter uses it: tc filter show tells which"}
	case strings.HasPrefix(says, "failed to build del event notification"):
		return []string{"before Linux 6.15 the kernel has no room to tell of so long a filter: without the handle all of its pref is deleted, which it needs not tell"}
	case strings.HasPrefix(says, "failed to load tc action module"):
		return []string{"the kernel is built without this action"}
	}
	return nil
}

func unsuitableHints(x *prog.UnsuitableError) []string {
	if !x.Offload {
		return nil
	}
	if x.Type == ebpf.SchedCLS {
		return []string{"without skip_sw the kernel runs the filter"}
	}
	return []string{"xdpdrv runs in the driver, xdpgeneric on any device"}
}

// errnoHints are of a refusal of which no layer outside knows more.
func errnoHints(x unix.Errno, err error) []string {
	switch {
	case x == unix.ENOTDIR:
		return tokenHints(err)
	case x == unix.ENOENT:
		return procHints("/proc/self/fd")
	case errors.Is(x, os.ErrPermission), x == unix.ENOSYS:
		return permissionHints(x)
	}
	return nil
}

// procHints are of what is not found because /proc is not there: descriptors go by their names
// in it.
func procHints(descriptors string) []string {
	if _, err := os.Stat(descriptors); err == nil {
		return nil
	}
	return []string{"/proc is not mounted, where descriptors are found by their names: mount -t proc proc /proc"}
}

// tokenHints knows a fault of cilium/ebpf: it takes every mount of a BPF file
// system for a directory, and gives up on one that is a file.
func tokenHints(err error) []string {
	_, rest, ok := strings.Cut(err.Error(), "create token from \"")
	if !ok {
		return nil
	}
	path, _, _ := strings.Cut(rest, "\"")
	return []string{"a single file of a BPF file system is mounted at " + path + ", which hides how to load: " + render.Shell("umount", path)}
}

// permissionHints say what is in the way of all that loads and attaches, or else what this
// process lacks that may be what it takes.
func permissionHints(x unix.Errno) []string {
	barriers := subject.Barriers()
	var hints []string
	for _, b := range barriers {
		hints = append(hints, b.Cause+": "+b.Fix)
	}
	switch {
	case hints != nil || x == unix.ENOSYS:
		return hints
	case subject.Lacks(unix.CAP_SYS_ADMIN):
		return []string{"it may take CAP_SYS_ADMIN, which this process lacks: run it as root"}
	}
	return []string{"the process has the capabilities: look for a security module or kernel lockdown, in /sys/kernel/security/lockdown"}
}

// adminHints are of what takes CAP_SYS_ADMIN alone.
func adminHints(err error, what, or string) []string {
	if !errors.Is(err, os.ErrPermission) || !subject.Lacks(unix.CAP_SYS_ADMIN) {
		return nil
	}
	return []string{what + " takes CAP_SYS_ADMIN, which this process lacks: run it as root" + or}
}

// devicesHints are those of each device's error, each once, and no more than a person
// reads.
func devicesHints(e *subject.DevicesError, err error) []string {
	var all []string
	seen := make(map[string]bool)
	reasons := make(map[string]bool)
	for _, f := range e.Failed {
		_, own := errors.AsType[env.Hinter](f.Err)
		if reason := f.Err.Error(); own || !reasons[reason] {
			reasons[reason] = true
			for _, hint := range Hints(&env.CommandError{Line: env.LineOf(err), Err: env.About(f.Device, f.Err)}) {
				if !seen[hint] && len(all) < subject.MostHints {
					seen[hint] = true
					all = append(all, hint)
				}
			}
		}
	}
	return all
}

// deletes reports whether the command that failed deletes something.
func deletes(err error) bool {
	x, ok := errors.AsType[*env.CommandError](err)
	return ok && strings.HasSuffix(x.Command, " delete")
}
