package progcmd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
)

// The results of a program.
const (
	resultTaken    = "ok"
	resultRejected = "rejected"
	resultUnasked  = "not loaded" // for want of something, before the kernel was asked
	resultSkipped  = "skipped"
)

// verifyReport is what this kernel says of the programs of an object.
type verifyReport struct {
	File     string            `json:"file"`
	Kernel   string            `json:"kernel"`        // that was asked
	BTF      string            `json:"btf,omitempty"` // the file with the types of another one
	Time     int64             `json:"time_ns"`       // of the whole, which is less than the sum
	Taken    int               `json:"ok"`
	Rejected int               `json:"rejected"`
	Unasked  int               `json:"not_loaded"`
	Skipped  int               `json:"skipped"`
	Programs []verifiedProgram `json:"programs"`

	BaseKernel string   `json:"base_kernel,omitempty"` // that the base is of
	Gone       []string `json:"gone,omitempty"`        // programs of the base

	base    *verifyReport
	limit   growthLimit
	all     bool // show every number
	several bool // files, so that each is named
}

type verifiedProgram struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	Type    string `json:"type,omitempty"`
	Result  string `json:"result"`
	Reason  string `json:"reason,omitempty"`  // why it was rejected or skipped
	Source  string `json:"source,omitempty"`  // the line at which it was rejected
	Message string `json:"message,omitempty"` // all of that in a sentence
	Errno   string `json:"errno,omitempty"`
	TooOld  string `json:"too_old,omitempty"` // what of it is younger than the kernel

	verifierCost

	Base   *baseProgram `json:"base,omitempty"`
	Growth *float64     `json:"growth_percent,omitempty"` // of the instructions

	Log []string `json:"verifier_log,omitempty"` // the last lines, all with verbose

	log     []string // all lines
	tooMuch bool     // it has grown by more than it may
}

// verifierCost is [load.VerifierStats] with keys.
type verifierCost struct {
	Time                 time.Duration `json:"verification_time_ns"`
	Instructions         int           `json:"insns_processed"`
	Limit                int           `json:"insns_limit"`
	States               int           `json:"total_states"`
	Peak                 int           `json:"peak_states"`
	StatesPerInstruction int           `json:"max_states_per_insn"`
	Stack                string        `json:"stack_depth,omitempty"` // bytes, of each function
}

// verdict says that programs were rejected or not loaded, or that none was verified; nil
// if all that were asked about were taken.
func (r *verifyReport) verdict() error {
	if r.Rejected+r.Unasked == 0 && r.Taken > 0 {
		return nil
	}
	var parts []string
	for _, result := range []string{resultRejected, resultUnasked} {
		var names []string
		for _, p := range r.Programs {
			if p.Result == result {
				names = append(names, p.Name)
			}
		}
		if names != nil {
			parts = append(parts, fmt.Sprintf("%d of %d %s: %s", len(names), len(r.Programs), result, few(names)))
		}
	}
	if parts == nil {
		return errors.New(r.File + ": no program was verified")
	}
	return errors.New(r.File + ": " + strings.Join(parts, "; "))
}

// few is a list for one line.
func few(names []string) string {
	const most = 12
	if n := len(names) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n)
	}
	return strings.Join(names, ", ")
}

// WriteText prints a table, and what there is to say about the programs that
// were not taken. -brief leaves the table out.
func (r *verifyReport) WriteText(t *render.Text, o render.Options) {
	if !o.Brief {
		t.If(r.several, "%s:\n", r.File)
		if r.base == nil {
			r.table(o).WriteText(t, o)
		} else {
			r.changed(r.all || o.Statistics).WriteText(t, o)
		}
	}
	if r.base != nil {
		r.compared(t)
	}
	for i := range r.Programs {
		r.Programs[i].explain(t, o)
	}
	if r.all || o.Statistics || o.Brief {
		r.total(t)
	}
}

func (r *verifyReport) table(o render.Options) *render.Table {
	t := &render.Table{}
	head := []string{"PROGRAM", "SECTION", "TYPE", "RESULT", "TIME", "INSNS", "STATES", "PEAK", "STACK"}
	all := r.all || o.Statistics
	if all {
		head = append(head, "STATES/INSN", "OF LIMIT")
	}
	t.Row(head...)
	for i := range r.Programs {
		p := &r.Programs[i]
		row := []string{
			p.Name, p.Section, p.Type, p.Result, render.Duration(p.Time),
			strconv.Itoa(p.Instructions), strconv.Itoa(p.States), strconv.Itoa(p.Peak), p.Stack,
		}
		if p.Result == resultSkipped || p.Result == resultUnasked {
			row = []string{p.Name, p.Section, p.Type, p.Result}
		} else if all {
			row = append(row, strconv.Itoa(p.StatesPerInstruction), p.share())
		}
		t.Row(row...)
	}
	return t
}

// share is how much of what the verifier would do at most was done.
func (p *verifiedProgram) share() string {
	if p.Limit == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f%%", 100*float64(p.Instructions)/float64(p.Limit))
}

func (p *verifiedProgram) explain(t *render.Text, o render.Options) {
	if p.Result == resultTaken {
		return
	}
	t.If(!o.Brief, "\n")
	t.Printf("%s: %s: %s\n", p.Name, p.Result, p.Reason)
	t.If(p.Result == resultSkipped && p.Type == "", "  name it: type xdp, for example\n")
	t.If(subject.AsksDriver(p.Reason), "  it asks the driver about packets: name the device, dev DEV\n")
	t.If(subject.WantsPerfmon(p.log), "  %s\n", subject.PerfmonHint)
	t.If(p.TooOld != "", "  %s\n", p.TooOld)
	t.If(p.Source != "", "  at: %s\n", p.Source)
	if o.Brief {
		return
	}
	for _, line := range p.Log {
		t.Printf("  | %s\n", line)
	}
	n, cut := len(p.log)-len(p.Log), len(p.log) > 0 && p.log[0] == load.Cut
	t.If(n > 0 && !cut, "  %d more lines in the log: add verbose\n", n)
	t.If(cut, "  many more lines in the log: add verbose\n")
}

func (r *verifyReport) total(t *render.Text) {
	var spent time.Duration
	instructions := 0
	for _, p := range r.Programs {
		spent += p.Time
		instructions += p.Instructions
	}
	unasked := ""
	if r.Unasked > 0 {
		unasked = fmt.Sprintf("%d %s, ", r.Unasked, resultUnasked)
	}
	t.Printf("%s: %d ok, %d rejected, %s%d skipped by Linux %s: %d instructions, %s of verifying in %s\n",
		r.File, r.Taken, r.Rejected, unasked, r.Skipped, r.Kernel, instructions,
		render.Duration(spent), render.Duration(time.Duration(r.Time)))
}
