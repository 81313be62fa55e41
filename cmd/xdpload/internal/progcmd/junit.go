package progcmd

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xdpload/xdpload/internal/render"
)

// writeJUnit writes the results as the XML that continuous integration reads:
// what its many dialects have in common, in the order of Jenkins' schema.
func writeJUnit(t *render.Text, reports []*verifyReport) {
	var all verifyReport
	for _, r := range reports {
		all.Programs = append(all.Programs, r.Programs...)
		all.Rejected, all.Unasked, all.Skipped, all.Time = all.Rejected+r.Rejected, all.Unasked+r.Unasked, all.Skipped+r.Skipped, all.Time+r.Time
	}
	t.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	t.Printf("<testsuites name=\"xdpload verify\" %s>\n", all.junitCounts())
	for _, r := range reports {
		r.writeJUnit(t)
	}
	t.WriteString("</testsuites>\n")
}

func (r *verifyReport) junitCounts() string {
	return fmt.Sprintf(`tests="%d" failures="%d" errors="0" skipped="%d" time="%s"`,
		len(r.Programs), r.Rejected+r.Unasked+len(r.tooBig()), r.Skipped, junitTime(time.Duration(r.Time)))
}

func (r *verifyReport) writeJUnit(t *render.Text) {
	t.Printf("<testsuite name=\"%s\" %s>\n<properties>\n", escapeXML(r.File), r.junitCounts())
	t.Printf("<property name=\"kernel\" value=\"%s\"/>\n", escapeXML(r.Kernel))
	t.If(r.BTF != "", "<property name=\"btf\" value=\"%s\"/>\n", escapeXML(r.BTF))
	t.WriteString("</properties>\n")
	for i := range r.Programs {
		r.Programs[i].writeJUnit(t, r.File)
	}
	t.WriteString("</testsuite>\n")
}

func (p *verifiedProgram) writeJUnit(t *render.Text, file string) {
	t.Printf("<testcase classname=\"%s\" name=\"%s\" time=\"%s\">\n", escapeXML(file), escapeXML(p.Name), junitTime(p.Time))
	switch p.Result {
	case resultSkipped:
		t.Printf("<skipped message=\"%s\"/>\n", escapeXML(p.Reason))
		t.WriteString("</testcase>\n")
		return
	case resultRejected, resultUnasked:
		t.Printf("<failure type=\"%s\" message=\"%s\">%s</failure>\n",
			p.Result, escapeXML(p.Reason), escapeXML(p.Message+"\n"+strings.Join(p.Log, "\n")))
	}
	if p.tooMuch {
		t.Printf("<failure type=\"grown\" message=\"%d instructions, %s more than %d\"/>\n", p.Instructions, p.growth(), p.Base.Instructions)
	}
	t.Printf("<system-out>section %s, type %s: %d instructions, %d states, peak %d, stack %s</system-out>\n</testcase>\n",
		escapeXML(p.Section), escapeXML(p.Type), p.Instructions, p.States, p.Peak, escapeXML(p.Stack))
}

func junitTime(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }

// escapeXML makes text of what XML takes: others than its characters become
// U+FFFD. Package encoding/xml does it too, and is 400 KB of the program.
func escapeXML(s string) string {
	var b strings.Builder
	for _, r := range render.Printable(s) {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '"':
			b.WriteString("&quot;")
		case '\n':
			b.WriteString("&#xA;")
		case 0xfffe, 0xffff:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
