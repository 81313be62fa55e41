//go:build !guest

package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/render"
)

// openTerminal opens a pseudo-terminal with so many columns; what is written to the second
// file is read from the first.
func openTerminal(t *testing.T, columns uint16) (shown, out *os.File) {
	t.Helper()
	const path = "/dev/ptmx"
	need.Of(t, need.Feature{Name: path, Probe: func() error {
		_, err := os.Stat(path)
		return err
	}})
	shown, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shown.Close() })
	fd := int(shown.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	out, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return shown, out
}

const counting = "../../../../internal/testobj/count.o"

// TestWidth: lines fit a terminal, and are as long as they are elsewhere.
func TestWidth(t *testing.T) {
	const columns = 50
	shown, out := openTerminal(t, columns)
	words := []string{"xdpload", "elf", "show", counting}
	var pipe, stderr bytes.Buffer
	if status := Run(t.Context(), "", words, nil, &pipe, &stderr); status != 0 {
		t.Fatal(stderr.String())
	}
	go func() {
		Run(t.Context(), "", words, nil, out, &stderr)
		out.Close()
	}()
	text, _ := io.ReadAll(shown) // which ends with EIO
	folded := strings.ReplaceAll(string(text), "\r", "")
	if strings.Join(strings.Fields(folded), " ") != strings.Join(strings.Fields(pipe.String()), " ") {
		t.Errorf("a terminal shows other words:\n%s\nthan a pipe:\n%s", folded, pipe.String())
	}
	if widest(pipe.String()) <= columns || widest(folded) > columns {
		t.Errorf("lines of up to %d in a pipe, of %d on a terminal of %d columns", widest(pipe.String()), widest(folded), columns)
	}
}

// TestNothingFound: a terminal is told, a pipe, JSON and who calls tc are not.
func TestNothingFound(t *testing.T) {
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{[]string{"xdpload", "tc", "filter", "show", "dev", "lo", "chain", "4711", "ingress"}, "nothing found"},
		{[]string{"xdpload", "-json", "tc", "filter", "show", "dev", "lo", "chain", "4711", "ingress"}, "[]"},
		{[]string{"tc", "filter", "show", "dev", "lo", "chain", "4711", "ingress"}, ""},
	} {
		shown, out := openTerminal(t, 0)
		var pipe, stderr bytes.Buffer
		done := make(chan int)
		go func() {
			status := Run(t.Context(), "", tt.words, nil, out, &stderr)
			out.Close()
			done <- status
		}()
		text, _ := io.ReadAll(shown) // which ends with EIO
		if status := <-done; status != 0 {
			t.Fatal(stderr.String())
		}
		Run(t.Context(), "", tt.words, nil, &pipe, &stderr)
		if got := strings.TrimSpace(string(text)); got != tt.want {
			t.Errorf("%q on a terminal: %q, want %q", tt.words, got, tt.want)
		}
		if pipe.Len() > len("[]\n") {
			t.Errorf("%q in a pipe: %q", tt.words, pipe.String())
		}
	}
}

// TestTopOnTerminal: each table takes the place of the one before.
func TestTopOnTerminal(t *testing.T) {
	need.Of(t, need.Root)
	shown, out := openTerminal(t, 70)
	var stderr bytes.Buffer
	go func() {
		Run(t.Context(), "", []string{"xdpload", "net", "top", "dev", "lo", "count", "2", "interval", "0.01"}, nil, out, &stderr)
		out.Close()
	}()
	text, _ := io.ReadAll(shown) // which ends with EIO
	tables := strings.Split(strings.ReplaceAll(string(text), "\r", ""), "\x1b[J")
	const back = "\x1b[2A" // over a line for all programs and one for the columns
	if len(tables) != 3 || strings.Contains(tables[0], back) || !strings.HasPrefix(tables[1], back) || tables[2] != "" {
		t.Errorf("a terminal gets %q, %s", text, stderr.String())
	}
}

func widest(text string) (columns int) {
	for line := range strings.Lines(text) {
		columns = max(columns, len(strings.TrimRight(line, "\n")))
	}
	return columns
}

// TestProgressOnTerminal: long work is told of where errors go, if that is a terminal, but not
// in JSON or in the form of another tool.
func TestProgressOnTerminal(t *testing.T) {
	_, out := openTerminal(t, 70)
	for _, tt := range []struct {
		name string
		e    env.Env
		want bool
	}{
		{"text", env.Env{Tool: env.ToolXDPLoad}, true},
		{"JSON", env.Env{Tool: env.ToolXDPLoad, Globals: env.Globals{Options: render.Options{JSON: true}}}, false},
		{"ip", env.Env{Tool: env.ToolIP}, false},
	} {
		tt.e.Stderr = out
		p := tt.e.Progress("verifying a.o")
		p.Done()
		if got := p != nil; got != tt.want {
			t.Errorf("%s: told %v", tt.name, got)
		}
	}
}
