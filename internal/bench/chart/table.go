package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// The table stands between these lines of the document.
const (
	tableBegin = "<!-- bench -->\n"
	tableEnd   = "<!-- end of bench -->\n"
)

// writeTable replaces the table of a document.
func (r *report) writeTable(rows []row, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(tableBegin))
	_, after, closed := bytes.Cut(rest, []byte(tableEnd))
	if !found || !closed {
		return fmt.Errorf("%s: no line %q, or none after it that is %q", path, strings.TrimSpace(tableBegin), strings.TrimSpace(tableEnd))
	}
	out := string(before) + tableBegin + r.table(rows) + tableEnd + string(after)
	return os.WriteFile(path, []byte(out), 0o644)
}

// table is in Markdown. Times are medians in milliseconds.
func (r *report) table(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Linux %s, %d CPUs.\n\n", r.release(), r.CPUs)
	b.WriteString("| case | xdpload ms | MB | floor ms | peer | ms | wall × | CPU × | own × | memory × | goal | |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, row := range rows {
		name, ours, mem, floor, own := "", "", "", "", ""
		if row.first {
			name, ours, mem = "`"+row.name+"`", millis(row.ours), fmt.Sprintf("%.1f", row.ours.Spread["memory"].Median/(1<<20))
		}
		if row.first && row.floor != nil {
			floor = millis(*row.floor)
		}
		if times, ok := row.theirs.Ratio["own"]; ok {
			own = fmt.Sprintf("%.2f", times)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %.2f | %.2f | %s | %.2f | %s |\n",
			name, ours, mem, floor, row.peer, millis(row.theirs), row.wall, row.cpu, own, row.memory, row.verdict())
	}
	return b.String()
}

// release leaves out what is not the kernel's version.
func (r *report) release() string {
	version, _, _ := strings.Cut(r.Kernel, "-")
	return version
}

func (r *row) verdict() string {
	switch {
	case r.goal == nil:
		return "| "
	case r.goal.Met:
		return fmt.Sprintf("%.2f | met", r.goal.Limit)
	}
	return fmt.Sprintf("%.2f | missed", r.goal.Limit)
}

// millis has three digits.
func millis(m measured) string {
	ms := m.Spread["wall"].Median * 1e3
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}
