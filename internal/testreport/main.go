// Testreport runs go test with the arguments that it is given and shows the
// packages' closing lines and everything that a failed test or build wrote. At
// the end there is a line for each reason of skips, and last each failure by name.
//
//	testreport [-C DIR]... [go test arguments]
//
// With several directories, each with a module of its own, one report is made of
// the tests of all.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the status of go test, the highest if there are several.
func run(args []string, stdout, stderr io.Writer) int {
	var dirs []string
	for len(args) > 1 && args[0] == "-C" {
		dirs, args = append(dirs, args[1]), args[2:]
	}
	if dirs == nil {
		dirs = []string{"."}
	}
	status, r := 0, newReport(stdout)
	for _, dir := range dirs {
		s, err := goTest(r, dir, args, stderr)
		if err != nil {
			_, _ = fmt.Fprintln(stderr, "testreport:", err)
			s = 1
		}
		status = max(status, s)
	}
	if err := r.writeEnd(); err != nil {
		_, _ = fmt.Fprintln(stderr, "testreport:", err)
		return 1
	}
	return status
}

// goTest adds the tests of the module in a directory to the report.
func goTest(r *report, dir string, args []string, stderr io.Writer) (status int, err error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	readErr := r.read(events)
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), readErr
	}
	return 0, errors.Join(readErr, err)
}

// read adds a stream of test events. It reads the stream to its end, whatever it
// meets, so that the writer is never held up.
func (r *report) read(events io.Reader) error {
	for d := json.NewDecoder(events); ; {
		var e event
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			_, _ = io.Copy(io.Discard, events)
			return fmt.Errorf("read test events: %w", err)
		}
		r.add(e)
	}
}
