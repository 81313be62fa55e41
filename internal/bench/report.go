package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A report is what bench prints.
type report struct {
	Kernel  string   `json:"kernel"`
	CPUs    int      `json:"cpus"`
	Go      string   `json:"go"`
	Cases   []result `json:"cases"`
	LeftOut []string `json:"left_out,omitempty"`
}

// A result is the measure of one case.
type result struct {
	Name        string       `json:"name"`
	About       string       `json:"about"`
	Rounds      int          `json:"rounds"`
	Contestants []measured   `json:"contestants"`
	Goals       []goalResult `json:"goals,omitempty"`
}

// Measured is what one contestant took: seconds, bytes, page faults.
type measured struct {
	Tool   string            `json:"tool"` // a newest release with its version: "ip 7.3.0"
	Argv   []string          `json:"argv"`
	Spread map[string]spread `json:"spread"` // by metric
	// Ratio is how many times what this one took xdpload took. The one called
	// "own" is of the CPU time beyond that of the floor.
	Ratio map[string]float64 `json:"ratio,omitempty"`
	Calls *calls             `json:"calls,omitempty"`
}

// GoalResult is a goal beside what was measured: a ratio if there is a peer.
type goalResult struct {
	Metric   string  `json:"metric"`
	Peer     string  `json:"peer,omitempty"`
	Limit    float64 `json:"limit"`
	Measured float64 `json:"measured"`
	Met      bool    `json:"met"`
}

func newReport(absent map[string]error) *report {
	r := &report{CPUs: runtime.NumCPU(), Go: runtime.Version(), Cases: []result{}}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		r.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	for _, tool := range slices.Sorted(maps.Keys(absent)) {
		r.leaveOut(tool, absent[tool])
	}
	return r
}

func (r *report) leaveOut(what string, why error) {
	r.LeftOut = append(r.LeftOut, fmt.Sprintf("%s: %v", what, why))
}

// newResult sums up samples, which are by contestant and round.
func newResult(c testCase, able []contestant, samples [][]sample) result {
	ours := slices.IndexFunc(able, func(c contestant) bool { return c.tool() == "xdpload" })
	r := result{Name: c.name, About: c.about, Rounds: len(samples[ours])}
	for i, who := range able {
		m := measured{Tool: who.tool(), Argv: who.argv, Spread: map[string]spread{}}
		if i != ours {
			m.Ratio = map[string]float64{}
		}
		for metric := range metrics {
			m.Spread[metric.String()] = spreadOf(column(samples[i], metric))
			if i != ours {
				m.Ratio[metric.String()] = pairRatio(samples[ours], samples[i], metric)
			}
		}
		r.Contestants = append(r.Contestants, m)
	}
	r.beyondFloor(ours)
	for _, g := range c.goals {
		for _, m := range r.Contestants {
			if value, ok := m.value(g); ok {
				tool := m.Tool
				if g.peer == "" {
					tool = ""
				}
				r.Goals = append(r.Goals, goalResult{g.metric.String(), tool, g.limit, value, value <= g.limit})
			}
		}
	}
	return r
}

// own names the ratio of what is no part of the floor: neither the kernel's
// work nor the start of a process.
const own = "own"

// beyondFloor compares what the programs themselves take. It is CPU time, since
// the kernel's waits differ from run to run by more than any of it.
func (r *result) beyondFloor(ours int) {
	floor := slices.IndexFunc(r.Contestants, func(m measured) bool { return m.Tool == "floor" })
	if floor < 0 {
		return
	}
	took := func(i int) float64 { return r.Contestants[i].Spread[cpu.String()].Median }
	for i := range r.Contestants {
		if i != ours && took(i) > took(floor) {
			r.Contestants[i].Ratio[own] = (took(ours) - took(floor)) / (took(i) - took(floor))
		}
	}
}

// value is what the goal limits, if it is about this contestant: one without a
// peer about xdpload, another about every release of the peer.
func (m *measured) value(g goal) (float64, bool) {
	program, _, _ := strings.Cut(m.Tool, " ")
	switch {
	case g.peer == "" && program == "xdpload":
		return m.Spread[g.metric.String()].Median, true
	case g.peer != "" && program == g.peer:
		return m.Ratio[g.metric.String()], true
	}
	return 0, false
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
