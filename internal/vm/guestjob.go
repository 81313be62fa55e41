package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openPorts opens the two ports to the host as plain byte streams.
func (g *guest) openPorts() (err error) {
	if g.output, err = openPort(outputPort); err != nil {
		return err
	}
	g.events, err = openPort(eventPort)
	return err
}

func openPort(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, &fs.PathError{Op: "tcgetattr", Path: name, Err: err}
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t); err != nil {
		return nil, &fs.PathError{Op: "tcsetattr", Path: name, Err: err}
	}
	return f, nil
}

// drain waits until the host has what was written to a port.
func drain(f *os.File) {
	_ = unix.IoctlSetInt(int(f.Fd()), unix.TCSBRK, 1) // as tcdrain(3)
}

// Write sends output of a job to the host. It makes guest the stdout of jobs:
// they see a pipe, as under go test, not a terminal.
func (g *guest) Write(b []byte) (int, error) {
	n, err := g.output.Write(b)
	g.written.Add(int64(n))
	return n, err
}

// How long a binary has, after its own time-out did not end it, to print its
// goroutines (SIGQUIT), and then to die (SIGKILL).
const (
	quitGrace = 15 * time.Second
	killGrace = 10 * time.Second
)

// errUnkillable means that a process survived SIGKILL: the kernel is stuck
// with it, and only another boot can go on.
var errUnkillable = errors.New("a test cannot be killed")

// job runs a test binary, and tells its output, files and end to the host.
func (g *guest) job(i int, j job) error {
	g.event(event{Kind: eventStart, Job: i})
	c := exec.Command(binaryPath(i, j), j.Args...)
	c.Dir, c.Stdout, c.Stderr = j.Dir, g, g
	c.Env = append(append(guestEnv(), "PWD="+j.Dir), j.Env...)
	// A grandchild that keeps the pipe open must not keep the job open.
	c.WaitDelay = 5 * time.Second
	for _, o := range j.Outputs {
		if err := os.MkdirAll(o.parent(), 0o755); err != nil {
			return err
		}
	}
	began := time.Now()
	hang, err := runBounded(c, j.Timeout)
	if errors.Is(err, errUnkillable) {
		g.event(event{Kind: eventExit, Job: i, Hang: true, Signal: err.Error(), Elapsed: time.Since(began)})
		return err
	}
	_ = unix.Kill(-1, unix.SIGKILL) // what the job left running; from process 1, all but itself
	if errors.Is(err, exec.ErrWaitDelay) {
		g.event(event{Kind: eventNote, Text: j.Package + " left a process that kept its output open"})
	}
	exit := event{Kind: eventExit, Job: i, Hang: hang, Elapsed: time.Since(began)}
	exit.Code, exit.Signal = status(c, err)
	if err := g.sendOutputs(i, j); err != nil {
		return err
	}
	g.event(exit)
	return nil
}

// runBounded runs a command, and reports whether it had to be ended.
func runBounded(c *exec.Cmd, timeout time.Duration) (hang bool, err error) {
	if err := c.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for _, step := range []struct {
		wait   time.Duration
		signal unix.Signal
	}{{timeout + quitGrace, unix.SIGQUIT}, {killGrace, unix.SIGKILL}} {
		select {
		case err := <-ended:
			return hang, err
		case <-time.After(step.wait):
			hang = true
			_ = c.Process.Signal(step.signal)
		}
	}
	select {
	case err := <-ended:
		return true, err
	case <-time.After(killGrace):
		return true, errUnkillable
	}
}

// status is the exit code and the killing signal's name of an ended command.
func status(c *exec.Cmd, err error) (code int, signal string) {
	if c.ProcessState == nil {
		return 127, err.Error()
	}
	if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal()), ws.Signal().String()
	}
	return c.ProcessState.ExitCode(), ""
}

// parent is the directory that must be there before a job writes an output.
func (o output) parent() string {
	if o.Dir {
		return o.Path
	}
	return filepath.Dir(o.Path)
}

// sendOutputs sends the files that a job was asked to write.
func (g *guest) sendOutputs(i int, j job) error {
	for _, o := range j.Outputs {
		err := filepath.WalkDir(o.Path, func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := gzipFile(p)
			if err == nil {
				g.event(event{Kind: eventFile, Job: i, Path: p, Data: data})
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func gzipFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, f); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}
