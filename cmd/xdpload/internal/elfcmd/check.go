package elfcmd

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

type elfCheckRequest struct {
	Files  subject.Files
	Kernel check.Kernel
	Loader check.Loader
}

// Check is the command elf check, which says which kernels and loaders can load an object.
func Check() env.Command {
	return env.Command{
		Name:    "elf check",
		Options: "brief",
		Summary: "say which kernels and loaders can load an object file",
		Description: `Says which Linux is the oldest that has all that the object needs, what of it needs a GPL-compatible licence, and which loaders cannot load it and why. Each finding has the program or map, the place, and the line of the source. It asks no kernel: the answer is from a table, and a distribution may have brought something to an older kernel.

With a kernel or a loader the status is 2 when the object cannot be loaded by it, or needs something that the table does not know, so that nobody can tell. It is 2, too, when no kernel could take the object: because a reference leads nowhere, or a licence that is not GPL-compatible stands beside something that needs one. Of several files each that fails is named. In JSON it is an array, also of one FILE.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf check foo.o", Help: "what the object needs"},
			{Line: "xdpload -brief elf check *.o", Help: "the oldest kernel for each"},
			{Line: "xdpload -json elf check foo.o kernel 5.10 loader libbpf", Help: "status 2 unless Linux 5.10 and libbpf can load it"},
		},
		New: env.New(func(r *elfCheckRequest) *grammar.Node {
			return grammar.Seq(r.Files.Grammar(), grammar.Any(
				grammar.Key("kernel", "VERSION", grammar.Text(&r.Kernel)).
					Help("the oldest kernel that is to load it, such as 5.10"),
				grammar.Key("loader", "NAME", grammar.Text(&r.Loader)).Choices("libbpf", "iproute2", "iproute2-legacy", "cilium").
					Help("the loader: libbpf 1.0 and later, iproute2 with it, iproute2 without libbpf, or cilium/ebpf"),
			))
		}),
	}
}

func (r *elfCheckRequest) Run(_ context.Context, e *env.Env) (any, error) {
	reports, err := subject.EachFile(e, r.Files, func(o *elf.Object, name string) (*checkReport, error) {
		report := reportCheck(name, check.Object(o), r)
		if report.OK {
			return report, nil
		}
		return report, &ElfCheckError{Object: name, Why: report.why(r)}
	})
	return subject.ConcludeFiles(e, reports, err)
}

// ElfCheckError says that a check found something.
type ElfCheckError struct{ Object, Why string }

func (e *ElfCheckError) Error() string { return e.Object + ": " + e.Why }

// checkReport is what an object asks for.
type checkReport struct {
	File    string             `json:"file"`
	Kernel  string             `json:"kernel"` // the oldest that has all
	License string             `json:"license"`
	GPL     bool               `json:"gpl_compatible"`
	OK      bool               `json:"ok"`
	Needs   []elfFindingReport `json:"needs"`
	Uses    []elfFindingReport `json:"gpl_only"`
	Refused []elfFindingReport `json:"refused"`
	Unknown []elfFindingReport `json:"unknown"`
	Faults  []string           `json:"faults"`
}

type elfFindingReport struct {
	Kernel string `json:"kernel,omitempty"` // the first that has it
	Loader string `json:"loader,omitempty"`
	What   string `json:"what"`
	placeReport

	fatal bool // for the kernel or the loader that was named
}

// placeReport is [check.Place] with keys.
type placeReport struct {
	Program string `json:"program,omitempty"`
	Map     string `json:"map,omitempty"`
	Section string `json:"section,omitempty"`
	Offset  uint64 `json:"offset"` // bytes from the start of the section
	File    string `json:"source,omitempty"`
	Line    int    `json:"line,omitempty"`
}

func reportCheck(name string, c *check.Report, want *elfCheckRequest) *checkReport {
	r := &checkReport{
		File: name, License: c.License, GPL: c.GPLCompatible(), OK: true, Kernel: c.Kernel.String(),
		Needs: []elfFindingReport{}, Uses: []elfFindingReport{}, Refused: []elfFindingReport{}, Unknown: []elfFindingReport{}, Faults: []string{},
	}
	add := func(to *[]elfFindingReport, f elfFindingReport, p check.Place, fatal bool) {
		f.placeReport, f.fatal = placeReport(p), fatal
		*to = append(*to, f)
		r.OK = r.OK && !fatal
	}
	any := check.Kernel{}
	for _, n := range c.Needs {
		f := elfFindingReport{What: n.What, Kernel: n.Kernel.String()}
		add(&r.Needs, f, n.Place, want.Kernel != any && want.Kernel.Before(n.Kernel))
	}
	for _, n := range c.GPL {
		add(&r.Uses, elfFindingReport{What: n.What}, n.Place, !r.GPL && !strings.Contains(n.What, ", before Linux"))
	}
	for _, n := range c.Refused {
		add(&r.Refused, elfFindingReport{What: n.Why, Loader: string(n.Loader)}, n.Place, n.Loader == want.Loader)
	}
	for _, n := range c.Unknown {
		add(&r.Unknown, elfFindingReport{What: n.What}, n.Place, want.Kernel != any)
	}
	for _, err := range c.Faults {
		r.Faults = append(r.Faults, withoutObject(err))
		r.OK = false
	}
	return r
}

// why is one sentence for what was asked.
func (r *checkReport) why(want *elfCheckRequest) string {
	if len(r.Faults) > 0 {
		return "no loader can load all of it: " + r.Faults[0] + andMore(len(r.Faults))
	}
	var whys []string
	if n, what := firstFatal(r.Needs); n > 0 {
		whys = append(whys, fmt.Sprintf("needs Linux %s, not %s: %s%s", r.Kernel, want.Kernel, what, andMore(n)))
	}
	if n, what := firstFatal(r.Unknown); n > 0 {
		whys = append(whys, fmt.Sprintf("not known, whether Linux %s has it: %s%s", want.Kernel, what, andMore(n)))
	}
	if n, what := firstFatal(r.Uses); n > 0 {
		whys = append(whys, fmt.Sprintf("the licence %q is not GPL-compatible: %s%s", r.License, what, andMore(n)))
	}
	if n, what := firstFatal(r.Refused); n > 0 {
		whys = append(whys, fmt.Sprintf("%s cannot load it: %s%s", want.Loader, what, andMore(n)))
	}
	return strings.Join(whys, "; ")
}

func firstFatal(list []elfFindingReport) (n int, first string) {
	for _, f := range list {
		if f.fatal {
			if n++; n == 1 {
				first = f.What
			}
		}
	}
	return n, first
}

func andMore(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n-1)
}

// WriteText prints a sentence and a table of findings; -brief prints the
// sentence alone.
func (r *checkReport) WriteText(t *render.Text, o render.Options) {
	t.Printf("%s: needs Linux %s\n", r.File, r.Kernel)
	if o.Brief {
		return
	}
	writeElfFindings(t, []string{"NEEDS", "", "PLACE"}, r.Needs)
	writeElfFindings(t, []string{"NEEDS GPL", "PLACE"}, r.Uses)
	writeElfFindings(t, []string{"NOT LOADED BY", "", "PLACE"}, r.Refused)
	writeElfFindings(t, []string{"NOT IN THE TABLE", "PLACE"}, r.Unknown)
	for _, f := range r.Faults {
		t.Printf("\nfault: %s\n", f)
	}
}

// writeElfFindings prints a table, whose first of three columns is the kernel or loader.
func writeElfFindings(t *render.Text, head []string, list []elfFindingReport) {
	if len(list) == 0 {
		return
	}
	var table render.Table
	table.Row(head...)
	for _, f := range list {
		row := []string{cmp.Or(f.Kernel, f.Loader), f.What, f.place()}
		table.Row(row[3-len(head):]...)
	}
	t.WriteByte('\n')
	table.WriteText(t, render.Options{})
}

// place is where a person looks: a line of the source, or an instruction.
func (f *elfFindingReport) place() string {
	name := cmp.Or(f.Program, f.Map)
	switch {
	case f.Line > 0:
		return fmt.Sprintf("%s %s:%d", name, path.Base(f.File), f.Line)
	case name == "" && f.Section != "":
		return "section " + f.Section
	case f.Program != "" && f.Offset > 0:
		return name + " +" + strconv.FormatUint(f.Offset/8, 10)
	}
	return name
}
