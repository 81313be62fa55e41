package main

import (
	"fmt"
	"io"

	"github.com/xdpload/xdpload/internal/render"
)

// writeText prints a table of every case, one of the goals, and what was left out.
func (r *report) writeText(w io.Writer) error {
	var t render.Text
	t.Printf("Linux %s, %d CPUs, %s\n\n", r.Kernel, r.CPUs, r.Go)
	for _, c := range r.Cases {
		t.Printf("%s: %s (%d rounds)\n", c.Name, c.About, c.Rounds)
		c.table().WriteText(&t, render.Options{})
		t.WriteByte('\n')
	}
	r.goals().WriteText(&t, render.Options{})
	for _, line := range r.LeftOut {
		t.Printf("left out: %s\n", line)
	}
	_, err := t.WriteTo(w)
	return err
}

func (r *result) table() *render.Table {
	t := &render.Table{Right: []int{1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}
	t.Row("", "wall ms", "(min-max)", "cpu ms", "MB", "faults", "bpf", "netlink", "calls", "wall x", "cpu x", "own x", "MB x")
	for _, m := range r.Contestants {
		time := m.Spread[wall.String()]
		row := []string{
			m.Tool, millis(time.Median), "(" + millis(time.Min) + "-" + millis(time.Max) + ")",
			millis(m.Spread[cpu.String()].Median), megabytes(m.Spread[memory.String()].Median),
			fmt.Sprintf("%.0f", m.Spread[faults.String()].Median),
		}
		row = append(row, m.Calls.cells()...)
		for _, name := range []string{wall.String(), cpu.String(), own, memory.String()} {
			row = append(row, times(m.Ratio, name))
		}
		t.Row(row...)
	}
	return t
}

func (c *calls) cells() []string {
	if c == nil {
		return []string{"", "", ""}
	}
	return []string{fmt.Sprint(c.BPF), fmt.Sprint(c.Netlink), fmt.Sprint(c.All)}
}

// goals is the table of every goal.
func (r *report) goals() *render.Table {
	t := &render.Table{Right: []int{2}}
	t.Row("goal", "", "measured")
	for _, c := range r.Cases {
		for _, g := range c.Goals {
			met := "missed"
			if g.Met {
				met = "met"
			}
			t.Row(c.Name, g.limit(), g.measured(), met)
		}
	}
	return t
}

func (g *goalResult) limit() string {
	if g.Peer == "" {
		return fmt.Sprintf("%s <= %s MB", g.Metric, megabytes(g.Limit))
	}
	return fmt.Sprintf("%s <= %.2f x %s", g.Metric, g.Limit, g.Peer)
}

func (g *goalResult) measured() string {
	if g.Peer == "" {
		return megabytes(g.Measured)
	}
	return fmt.Sprintf("%.2f", g.Measured)
}

func times(ratio map[string]float64, name string) string {
	value, ok := ratio[name]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.2f", value)
}

func millis(seconds float64) string { return fmt.Sprintf("%.2f", seconds*1e3) }

func megabytes(bytes float64) string { return fmt.Sprintf("%.1f", bytes/(1<<20)) }
