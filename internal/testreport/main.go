// Testreport runs go test with the arguments that it is given and shows the
// packages' closing lines and everything that a failed test or build wrote. At
// the end there is a line for each reason of skips, and last each failure by name.
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

// run returns the status of go test.
func run(args []string, stdout, stderr io.Writer) int {
	status, err := goTest(args, stdout, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "testreport:", err)
		return 1
	}
	return status
}

func goTest(args []string, stdout, stderr io.Writer) (status int, err error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	readErr := show(stdout, events)
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), readErr
	}
	return 0, errors.Join(readErr, err)
}

// show writes the report of a stream of test events to w. It reads the stream
// to its end, whatever it meets, so that the writer is never held up.
func show(w io.Writer, events io.Reader) error {
	r := newReport(w)
	for d := json.NewDecoder(events); ; {
		var e event
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			_, _ = io.Copy(io.Discard, events)
			return fmt.Errorf("read test events: %w", err)
		}
		r.add(e)
	}
	r.writeEnd()
	return r.err
}
