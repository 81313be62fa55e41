package progcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// growthLimit is the percentage by which a program's instructions may grow; nil
// is none.
type growthLimit struct{ percent *float64 }

func (g *growthLimit) set(word string) error {
	percent, err := strconv.ParseFloat(strings.TrimSuffix(word, "%"), 64)
	if err != nil || !(percent >= 0 && percent <= math.MaxInt32) {
		return errors.New("expected a percentage, such as 10%")
	}
	g.percent = &percent
	return nil
}

// passed reports whether a growth is beyond it.
func (g growthLimit) passed(growth float64) bool { return g.percent != nil && growth > *g.percent }

// baseGrammar is the words that compare a run with an earlier one.
func (r *verifyRequest) baseGrammar() []*grammar.Node {
	return []*grammar.Node{
		grammar.Key("base", "BASE", grammar.String(&r.Base)).Completes(grammar.File).
			Help("compare with an earlier run, whose output with -json this file has"),
		grammar.Key("-max-growth", "N%", r.MaxGrowth.set).Alias("max-growth").
			Help("end with status 2 when the instructions of a program have grown by more"),
	}
}

// readBase reads what an earlier run has printed with -json, if one is named.
func (r *verifyRequest) readBase() ([]*verifyReport, error) {
	if r.Base == "" {
		return nil, nil
	}
	f, err := os.Open(r.Base)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var reports []*verifyReport
	err = json.NewDecoder(f).Decode(&reports)
	if err != nil || len(reports) == 0 || slices.ContainsFunc(reports, func(b *verifyReport) bool { return b == nil || b.File == "" }) {
		return nil, env.WithHints(errors.New(r.Base+": it is not what verify prints with -json"), "xdpload -json verify FILE >BASE")
	}
	return reports, nil
}

// compare has a report compared with the earlier one on the same file: the one of
// its name without directories, or, as an object may be called otherwise since, the
// only one for an only file. The error says what has grown by too much.
func (r *verifyRequest) compare(report *verifyReport, base []*verifyReport) error {
	if base == nil {
		return nil
	}
	name := filepath.Base(report.File)
	var names []string
	for _, b := range base {
		if filepath.Base(b.File) == name || len(base) == 1 && len(r.Files) == 1 {
			report.since(b, r.MaxGrowth)
			if r.Section != "" || r.Program != "" { // the others were not asked about
				report.Gone = nil
			}
			return report.grown()
		}
		names = append(names, b.File)
	}
	return fmt.Errorf("%s has no %s, but %s", r.Base, name, few(names))
}

// baseProgram is what an earlier run said of a program.
type baseProgram struct {
	Result       string `json:"result"`
	Instructions int    `json:"insns_processed"`
	States       int    `json:"total_states"`
	Peak         int    `json:"peak_states"`
}

func (p *verifiedProgram) asBase() baseProgram {
	return baseProgram{p.Result, p.Instructions, p.States, p.Peak}
}

// since notes what is other than in an earlier report.
func (r *verifyReport) since(base *verifyReport, limit growthLimit) {
	r.BaseKernel, r.base, r.limit = base.Kernel, base, limit
	left := slices.Clone(base.Programs)
	for i := range r.Programs {
		p := &r.Programs[i]
		at := slices.IndexFunc(left, func(b verifiedProgram) bool { return b.Name == p.Name && b.Section == p.Section })
		if at < 0 { // of another section since
			at = slices.IndexFunc(left, func(b verifiedProgram) bool { return b.Name == p.Name })
		}
		if at < 0 {
			continue
		}
		b := left[at].asBase()
		left = slices.Delete(left, at, at+1)
		p.Base = &b
		if p.Result == resultTaken && b.Result == resultTaken && b.Instructions > 0 {
			growth := 100 * (float64(p.Instructions)/float64(b.Instructions) - 1)
			p.Growth, p.tooMuch = new(math.Round(10*growth)/10), limit.passed(growth)
		}
	}
	for i := range left {
		r.Gone = append(r.Gone, left[i].Name)
	}
}

// tooBig are the programs that have grown by too much, each with its growth.
func (r *verifyReport) tooBig() (names []string) {
	for i := range r.Programs {
		if p := &r.Programs[i]; p.tooMuch {
			names = append(names, fmt.Sprintf("%s (%s)", p.Name, p.growth()))
		}
	}
	return names
}

// grown is an error that names them.
func (r *verifyReport) grown() error {
	names := r.tooBig()
	if names == nil {
		return nil
	}
	return fmt.Errorf("%s: %d of %d grew by more than %s: %s", r.File, len(names), len(r.Programs), percent(*r.limit.percent), few(names))
}

func (p *verifiedProgram) growth() string {
	if p.Growth == nil {
		return ""
	}
	return percent(*p.Growth)
}

func percent(p float64) string {
	return strconv.FormatFloat(p, 'f', -1, 64) + "%"
}

// changed is a table of the programs that are other than they were, or of all.
func (r *verifyReport) changed(all bool) *render.Table {
	t := &render.Table{}
	t.Row("PROGRAM", "RESULT", "WAS", "INSNS", "WAS", "GROWTH", "STATES", "WAS", "PEAK", "WAS")
	rows := 0
	for i := range r.Programs {
		p := &r.Programs[i]
		now := p.asBase()
		if p.Base != nil && *p.Base == now && !all {
			continue
		}
		rows++
		was := []string{"", "", "", ""}
		if p.Base != nil {
			was = p.Base.cells()
		}
		is := now.cells()
		t.Row(p.Name, is[0], was[0], is[1], was[1], p.growth(), is[2], was[2], is[3], was[3])
	}
	for _, b := range r.base.Programs {
		if slices.Contains(r.Gone, b.Name) {
			rows++
			was := b.asBase()
			cells := was.cells()
			t.Row(b.Name, "gone", cells[0], "", cells[1], "", "", cells[2], "", cells[3])
		}
	}
	if rows == 0 {
		return &render.Table{}
	}
	return t
}

func (b *baseProgram) cells() []string {
	return []string{b.Result, strconv.Itoa(b.Instructions), strconv.Itoa(b.States), strconv.Itoa(b.Peak)}
}

// compared says in one line how many programs are other than they were.
func (r *verifyReport) compared(t *render.Text) {
	var grew, shrank, same, fresh, verdict int
	for i := range r.Programs {
		switch p := &r.Programs[i]; {
		case p.Base == nil:
			fresh++
		case p.Base.Result != p.Result:
			verdict++
		case p.Instructions > p.Base.Instructions:
			grew++
		case p.Instructions < p.Base.Instructions:
			shrank++
		default:
			same++
		}
	}
	t.Printf("%s: %d grew, %d shrank, %d as before", r.File, grew, shrank, same)
	t.If(verdict > 0, ", %d with another result", verdict)
	t.If(fresh > 0, ", %d new", fresh)
	t.If(len(r.Gone) > 0, ", %d gone", len(r.Gone))
	t.If(r.BaseKernel != r.Kernel, "; that was Linux %s, this is %s", r.BaseKernel, r.Kernel)
	t.WriteByte('\n')
}
