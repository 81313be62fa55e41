package main

import "slices"

// report is the part of bench's JSON that is shown.
type report struct {
	Kernel string   `json:"kernel"`
	CPUs   int      `json:"cpus"`
	Cases  []result `json:"cases"`
}

type result struct {
	Name        string     `json:"name"`
	Rounds      int        `json:"rounds"`
	Contestants []measured `json:"contestants"`
	Goals       []goal     `json:"goals"`
}

type measured struct {
	Tool   string             `json:"tool"`
	Argv   []string           `json:"argv"`
	Spread map[string]spread  `json:"spread"` // by metric: seconds, bytes
	Ratio  map[string]float64 `json:"ratio"`  // how many times what this one took xdpload took
	Calls  *struct {
		BPF int `json:"bpf"`
	} `json:"calls"`
}

type spread struct {
	Median float64 `json:"median"`
}

type goal struct {
	Metric string  `json:"metric"`
	Peer   string  `json:"peer"`
	Limit  float64 `json:"limit"`
	Met    bool    `json:"met"`
}

// row is xdpload beside one peer in one case.
type row struct {
	name      string // of the case
	peer      string
	ours      measured
	theirs    measured
	floor     *measured // nil if the case has none
	wall, cpu float64   // ratios
	memory    float64
	goal      *goal // of the wall time, nil for none
	first     bool  // of its case
}

// rows leaves out what is no peer: the floor, and a program that does nothing
// but to start, unless a goal names it.
func (r *report) rows() []row {
	var out []row
	for _, c := range r.Cases {
		ours := c.Contestants[slices.IndexFunc(c.Contestants, func(m measured) bool { return m.Ratio == nil })]
		var floor *measured
		if i := slices.IndexFunc(c.Contestants, func(m measured) bool { return m.Tool == "floor" }); i >= 0 {
			floor = &c.Contestants[i]
		}
		first := true
		for _, m := range c.Contestants {
			g := c.goal(m.Tool)
			if m.Ratio == nil || m.Tool == "floor" || g == nil && slices.ContainsFunc(c.Goals, func(g goal) bool { return g.Metric == "wall" }) {
				continue
			}
			out = append(out, row{
				name: c.Name, peer: m.label(), ours: ours, theirs: m, floor: floor, goal: g, first: first,
				wall: m.Ratio["wall"], cpu: m.Ratio["cpu"], memory: m.Ratio["memory"],
			})
			first = false
		}
	}
	return out
}

// goal is that of the wall time beside a peer.
func (c *result) goal(peer string) *goal {
	for i, g := range c.Goals {
		if g.Metric == "wall" && g.Peer == peer {
			return &c.Goals[i]
		}
	}
	return nil
}

// label names a peer; a shell's is what it runs.
func (m *measured) label() string {
	if m.Tool == "sh" {
		return "ip, then bpftool"
	}
	return m.Tool
}
