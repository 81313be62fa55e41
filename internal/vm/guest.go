package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guestMain is process 1 of the guest. It never returns: process 1 must not.
func guestMain() {
	g := &guest{}
	if err := g.run(); err != nil {
		// The host shows the end of the console when a guest breaks off.
		fmt.Fprintln(os.Stderr, "vm: guest:", err)
		g.event(event{Kind: eventNote, Text: "guest: " + err.Error()})
	}
	unix.Sync()
	err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	fmt.Fprintln(os.Stderr, "vm: power off:", err)
	for {
		time.Sleep(time.Hour)
	}
}

// guest is the state of process 1.
type guest struct {
	plan    plan
	output  *os.File     // outputPort
	events  *os.File     // eventPort; nil before it is open
	written atomic.Int64 // bytes to output
}

func (g *guest) run() error {
	if err := mountAll(); err != nil {
		return err
	}
	data, err := os.ReadFile(planPath)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &g.plan); err != nil {
		return err
	}
	if g.plan.Shell {
		return g.shell()
	}
	if err := g.openPorts(); err != nil {
		return err
	}
	if err := g.prepare(); err != nil {
		return err
	}
	g.event(event{Kind: eventUp, Text: release()})
	for i := g.plan.First; i < len(g.plan.Jobs); i++ {
		if err := g.job(i, g.plan.Jobs[i]); err != nil {
			return err
		}
	}
	g.event(event{Kind: eventDone})
	return nil
}

// shell gives the console to a shell, until it exits.
func (g *guest) shell() error {
	if err := g.prepare(); err != nil {
		return err
	}
	console, err := os.OpenFile("/dev/ttyS0", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	fmt.Fprintf(console, "\nLinux %s; exit (or ^D) ends the guest\n", release())
	c := exec.Command(shellProgram(), "-l")
	c.Dir, c.Env = g.plan.Dir, guestEnv()
	c.Stdin, c.Stdout, c.Stderr = console, console, console
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

func shellProgram() string {
	for _, p := range []string{"/usr/bin/bash", "/bin/bash"} {
		if exists(p) {
			return p
		}
	}
	return "/bin/sh"
}

// prepare brings up what tests expect of a machine.
func (g *guest) prepare() error {
	if out, err := exec.Command("/vm/busybox", "--install", "-s", binDir).CombinedOutput(); err != nil {
		return fmt.Errorf("busybox: %w: %s", err, out)
	}
	if out, err := exec.Command(binDir+"/ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("lo: %w: %s", err, out)
	}
	return g.loadModules()
}

// loadModules loads the packed modules. One that the kernel refuses is told:
// the tests that need it will say the rest.
func (g *guest) loadModules() error {
	files, err := filepath.Glob(moduleDir + "/*.ko")
	if err != nil {
		return err
	}
	sort.Strings(files)
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil && !errors.Is(err, unix.EEXIST) {
			g.event(event{Kind: eventNote, Text: fmt.Sprintf("module %s: %v", filepath.Base(name), err)})
		}
	}
	return nil
}

// event tells the host. It waits until all output before it has left.
func (g *guest) event(e event) {
	if g.events == nil {
		return
	}
	drain(g.output)
	e.Output = g.written.Load()
	line, err := json.Marshal(e)
	if err == nil {
		_, err = g.events.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm: event:", err)
	}
	drain(g.events)
}

// guestEnv is the environment of every program in the guest.
func guestEnv() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + binDir,
		"HOME=/root", "USER=root", "TMPDIR=/tmp", "TERM=" + term(),
	}
}

// term is the terminal type of the host's side of the console, which the host
// puts on the kernel's command line: the kernel hands it to process 1.
func term() string {
	if t := os.Getenv("TERM"); t != "" {
		return t
	}
	return "linux"
}

// release is the running kernel's release.
func release() string {
	data, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(data))
}
