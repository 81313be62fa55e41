package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/internal/testreport/summary"
)

// The table of what was tested lies between these lines of a document.
const (
	tableBegins = "<!-- what make test-kernels-docs found -->\n"
	tableEnds   = "<!-- end of what it found -->\n"
	tableHead   = "| Linux | tests passed | skipped | what the kernel does not have |\n|---|--:|--:|---|\n"
)

// writeTable puts a row for each kernel on which nothing failed into the table of a
// document, in the place of what an earlier run said of a kernel of the same series.
func writeTable(document string, kernels []kernel, sums []summary.Summary) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	from, to := tablePlace(text)
	if from < 0 {
		return fmt.Errorf("%s: no place for the table: the lines %q and %q", document, tableBegins, tableEnds)
	}
	rows := make(map[seriesNumber]string)
	for line := range strings.Lines(string(text[from:to])) {
		if k, ok := seriesOf(strings.TrimPrefix(line, "| ")); ok {
			rows[k] = line
		}
	}
	for i, k := range kernels {
		if s, ok := seriesOf(k.release()); ok && len(sums[i].Failures()) == 0 {
			rows[s] = tableRow(k.release(), &sums[i])
		}
	}
	var b bytes.Buffer
	b.Write(text[:from])
	b.WriteString(tableHead)
	for _, k := range slices.SortedFunc(maps.Keys(rows), seriesNumber.compare) {
		b.WriteString(rows[k])
	}
	b.Write(text[to:])
	return os.WriteFile(document, b.Bytes(), 0o644)
}

// seriesNumber is the first two numbers of a release.
type seriesNumber struct{ major, minor int }

func (v seriesNumber) compare(other seriesNumber) int {
	return cmp.Or(cmp.Compare(v.major, other.major), cmp.Compare(v.minor, other.minor))
}

// seriesOf reads the numbers that a release begins with.
func seriesOf(release string) (v seriesNumber, ok bool) {
	n, _ := fmt.Sscanf(release, "%d.%d", &v.major, &v.minor)
	return v, n == 2
}

// tablePlace is where the table begins and ends, negative where there is none.
func tablePlace(text []byte) (from, to int) {
	from = bytes.Index(text, []byte(tableBegins))
	to = bytes.Index(text, []byte(tableEnds))
	if from < 0 || to < from {
		return -1, -1
	}
	return from + len(tableBegins), to
}

func tableRow(release string, s *summary.Summary) string {
	skipped := 0
	for _, n := range s.Reasons() {
		skipped += n
	}
	return fmt.Sprintf("| %s | %d | %d | %s |\n", release, s.Passed(), skipped, strings.Join(lacking(s.Reasons()), ", "))
}

// What need.Of says of a kernel that is too old, or built without a feature.
var (
	tooOld  = regexp.MustCompile(`^needs (.*): Linux (\d+\.\d+), this is `)
	unbuilt = regexp.MustCompile(`^needs (.*): the kernel is built without `)
)

// lacking is what a kernel does not have, by the reasons of skips: what came with the
// next releases first, and last what it is built without.
func lacking(reasons map[string]int) []string {
	since := make(map[string]seriesNumber)
	for reason := range reasons {
		if m := tooOld.FindStringSubmatch(reason); m != nil {
			v, _ := seriesOf(m[2])
			since[m[1]+" ("+m[2]+")"] = v
		} else if m := unbuilt.FindStringSubmatch(reason); m != nil {
			since[m[1]+" (not built)"] = seriesNumber{major: math.MaxInt}
		}
	}
	return slices.SortedFunc(maps.Keys(since), func(a, b string) int {
		return cmp.Or(since[a].compare(since[b]), strings.Compare(a, b))
	})
}
