package progcmd

import (
	"encoding/xml"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/render"
)

// The elements that readers of JUnit XML look for.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name  string      `xml:"name,attr"`
		Tests int         `xml:"tests,attr"`
		Cases []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Time    float64      `xml:"time,attr"`
		Failure *junitReason `xml:"failure"`
		Skipped *junitReason `xml:"skipped"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func TestJUnit(t *testing.T) {
	report := &verifyReport{
		File: `a"<b>&.o`, Kernel: "6.1", BTF: "vmlinux", Taken: 1, Rejected: 1, Skipped: 1,
		Programs: []verifiedProgram{
			{Name: "good", Section: "xdp", Type: "XDP", Result: resultTaken, verifierCost: verifierCost{Time: 1_500_000}},
			{Name: "bad", Section: "tc", Result: resultRejected, Reason: "R1 <\x01>\n\"x\" \xff \u202e \uffff", Message: "all", Log: []string{"0: (b7) r0 = 0 ]]>", "; a && b"}},
			{Name: "other", Section: "freplace", Result: resultSkipped, Reason: "why"},
		},
	}
	var b render.Text
	writeJUnit(&b, []*verifyReport{report, report})
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	want := junitSuites{
		XMLName: xml.Name{Local: "testsuites"}, Tests: 6, Failures: 2, Skipped: 2,
		Suites: slices.Repeat([]junitSuite{{Name: report.File, Tests: 3, Cases: []junitCase{
			{Class: report.File, Name: "good", Time: 0.0015},
			{Class: report.File, Name: "bad", Failure: &junitReason{Message: "R1 <\\x01>\n\"x\" \\xff \\u202e \ufffd", Text: "all\n0: (b7) r0 = 0 ]]>\n; a && b"}},
			{Class: report.File, Name: "other", Skipped: &junitReason{Message: "why"}},
		}}}, 2),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	t.Run("xmllint", func(t *testing.T) {
		bpftest.Need(t, bpftest.Command("xmllint"))
		cmd := exec.Command("xmllint", "--noout", "-")
		cmd.Stdin = &b
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
