// Command demo builds xdpload and shows it at work on a pair of devices in a
// network namespace of its own, with real packets. It needs root and the go
// command; everything that it makes ends with it, however it ends.
//
//	go run ./examples/demo [PATH-OF-XDPLOAD]
//
// It imports nothing but the standard library, so that it has something to say
// before the first module is there. The demonstration itself is the command show.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

//go:embed bpf/foo.o bpf/bar.o
var objects embed.FS

func main() {
	xdpload := argument()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	err := demo(ctx, xdpload)
	stop()
	if err == nil {
		return
	}
	if _, said := errors.AsType[*exec.ExitError](err); !said {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	os.Exit(1)
}

// argument is the path of the xdpload that is named, empty for none. The program
// ends here when it is not one path of a program.
func argument() string {
	flag.Usage = func() { fmt.Fprintln(os.Stderr, "usage: demo [PATH-OF-XDPLOAD]") }
	flag.Parse()
	if flag.NArg() == 0 {
		return ""
	}
	path, err := filepath.Abs(flag.Arg(0))
	if err == nil {
		_, err = exec.LookPath(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	if err != nil || flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	return path
}

// demo runs the demonstration with this xdpload, or without one with its own.
func demo(ctx context.Context, xdpload string) error {
	if os.Geteuid() != 0 {
		return errors.New("loading programs and making devices takes root: run it with sudo")
	}
	dir, err := scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if xdpload, err = prepare(ctx, dir, xdpload); err != nil {
		return err
	}
	show := exec.CommandContext(ctx, filepath.Join(dir, "show"), xdpload)
	show.Dir = dir
	return run(show)
}

// scratch makes a directory from which programs can be run.
func scratch() (string, error) {
	parent, err := filepath.Abs(os.TempDir())
	if err != nil {
		return "", err
	}
	const noexec = 8 // ST_NOEXEC of statfs(2)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(parent, &fs); err != nil {
		return "", fmt.Errorf("TMPDIR: %s: %w", parent, err)
	}
	if fs.Flags&noexec != 0 {
		if parent, err = os.UserCacheDir(); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(parent, "xdpload-demo-")
}

// prepare puts what the demonstration needs into dir, and returns the path of
// xdpload: the one that is named, or one that it builds.
func prepare(ctx context.Context, dir, xdpload string) (string, error) {
	for _, name := range []string{"foo.o", "bar.o"} {
		b, err := objects.ReadFile("bpf/" + name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return "", err
		}
	}
	if xdpload != "" {
		return xdpload, build(ctx, dir, "examples/demo/show")
	}
	return filepath.Join(dir, "xdpload"), build(ctx, dir, "cmd/xdpload", "examples/demo/show")
}

// build compiles commands of the module into dir. The go command names each
// module that it downloads and each package that it compiles.
func build(ctx context.Context, dir string, commands ...string) error {
	args := []string{"build", "-v", "-buildvcs=false", "-tags=urfave_cli_no_docs,urfave_cli_no_suggest", "-o", dir + "/"}
	for _, c := range commands {
		args = append(args, "github.com/xdpload/xdpload/"+c)
	}
	fmt.Println("# go build: the first time, modules are downloaded and compiled, and named as they come")
	cmd := exec.CommandContext(ctx, goCommand(), args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOTMPDIR="+dir)
	return run(cmd)
}

// goCommand is the go command that runs this program, which need not be in the
// PATH that sudo leaves, or else the one in PATH.
func goCommand() string {
	parent, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", os.Getppid()))
	if err == nil && filepath.Base(parent) == "go" {
		return parent
	}
	return "go"
}

// run runs a command, which does not outlive this program. Its error is an
// [exec.ExitError] when the command has said what is wrong.
func run(cmd *exec.Cmd) error {
	runtime.LockOSThread() // Pdeathsig is that of the thread
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}
