package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/xdpload/xdpload/internal/testreport/summary"
)

// testRun is one "vm test".
type testRun struct {
	*env
	options  kernelOptions
	optional bool     // leave out, with a word, a kernel that cannot be had
	table    string   // the document to write what was tested to, "" for none
	goArgs   []string // flags and packages for go test

	mu     sync.Mutex // guards the rest, and whole reports on stdout
	failed bool
	cover  coverage
}

// testCommand is "vm test": all packages on all kernels, in as many guests
// as there are CPUs, but one for each kernel at least.
func testCommand(ctx context.Context, e *env, args []string) error {
	r := &testRun{env: e}
	flags := flag.NewFlagSet("vm test", flag.ContinueOnError)
	flags.SetOutput(e.stderr)
	r.options.register(flags, defaultKernels)
	flags.BoolVar(&r.optional, "optional", false, "leave out a kernel that cannot be fetched")
	flags.StringVar(&r.table, "table", "", "write what was tested into the table of this `document`, a row for each kernel on which all tests pass")
	own, goArgs := args, []string(nil)
	if i := slices.Index(args, "--"); i >= 0 {
		own, goArgs = args[:i], args[i+1:]
	}
	if err := r.options.parse(flags, own); err != nil {
		return err
	}
	r.goArgs = append(flags.Args(), goArgs...)
	if err := r.run(ctx); err != nil {
		return err
	}
	if r.failed {
		return exitStatus(1)
	}
	return nil
}

func (r *testRun) run(ctx context.Context) error {
	t, kernels, err := r.fetch(ctx)
	if err != nil || len(kernels) == 0 {
		return err
	}
	dir, err := os.MkdirTemp("", "xdpload-vm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := r.build(ctx, dir); err != nil {
		return err
	}
	jobs, err := staged(dir)
	if err != nil {
		return err
	}
	if len(jobs) == 0 && !r.failed {
		return errors.New("no test to run: none of the packages has any")
	}
	sums, err := r.kernels(ctx, t, kernels, jobs)
	r.summarize(kernels, sums)
	err = errors.Join(err, r.cover.write(coverFlag(r.goArgs)))
	if err != nil || r.table == "" {
		return err
	}
	return writeTable(r.table, kernels, sums)
}

// kernels runs the jobs on all kernels, on as many at the same time as there are CPUs,
// and in several guests each where there are fewer kernels than these.
func (r *testRun) kernels(ctx context.Context, t tools, kernels []kernel, jobs []job) ([]summary.Summary, error) {
	sums := make([]summary.Summary, len(kernels))
	guests := max(1, runtime.NumCPU()/len(kernels))
	if guests > 1 {
		var err error
		if jobs, err = halved(ctx, jobs); err != nil {
			return sums, err
		}
	}
	errs := make([]error, len(kernels))
	running := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for i, k := range kernels {
		running <- struct{}{}
		fmt.Fprintf(r.stdout, "# kernel %s: Linux %s\n", k.name, k.release())
		all.Go(func() {
			defer func() { <-running }()
			errs[i] = r.kernel(ctx, t, k, shares(jobs, guests), &sums[i])
		})
	}
	all.Wait()
	return sums, errors.Join(errs...)
}

// summarize says for each kernel what was skipped, and last what failed on any.
func (r *testRun) summarize(kernels []kernel, sums []summary.Summary) {
	var failed []string
	for i, k := range kernels {
		for _, line := range sums[i].Skips() {
			fmt.Fprintf(r.stdout, "kernel %s: %s\n", k.name, line)
		}
		for _, line := range sums[i].Failures() {
			failed = append(failed, "kernel "+k.name+": "+line+"\n")
		}
	}
	fmt.Fprint(r.stdout, strings.Join(failed, ""))
}

// fetch finds QEMU and the kernels. What cannot be had is an error, or a line
// when it may be left out.
func (r *testRun) fetch(ctx context.Context) (tools, []kernel, error) {
	f, err := newFetcher(r.env)
	if err != nil {
		return tools{}, nil, err
	}
	t, err := f.tools(ctx)
	if err != nil {
		return t, nil, r.leaveOut(ctx, r.options.list, err)
	}
	var kernels []kernel
	for _, name := range r.options.names() {
		k, err := f.kernel(ctx, name, r.options.modules)
		if err == nil {
			kernels = append(kernels, k)
		} else if err = r.leaveOut(ctx, name, err); err != nil {
			return t, nil, err
		}
	}
	return t, kernels, nil
}

func (r *testRun) leaveOut(ctx context.Context, kernels string, err error) error {
	if !r.optional || ctx.Err() != nil {
		return err
	}
	reason := strings.ReplaceAll(err.Error(), "\n", "; ")
	fmt.Fprintf(r.stdout, "left out: the tests on kernel %s (%s); try make test-kernels KERNEL=%s\n", kernels, reason, kernels)
	return nil
}

// build lets go test build and stage the test binaries. Of what it prints,
// failures to build are passed on.
func (r *testRun) build(ctx context.Context, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// Later flags win, so that the user's do. Stripped binaries are a third
	// smaller, and every byte has to go into the guest's memory.
	args := []string{
		"test", "-count=1", "-vet=off", "-ldflags=-s -w",
		fmt.Sprintf("-exec='%s' stage '%s'", self, dir),
	}
	c := exec.CommandContext(ctx, "go", append(args, r.goArgs...)...)
	c.Env = append([]string{"CGO_ENABLED=0"}, os.Environ()...)
	c.Env = append(c.Env, "GOOS=linux", "GOARCH=amd64")
	c.Stderr = r.stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.HasPrefix(s.Text(), "FAIL\t") {
			fmt.Fprintln(r.stdout, s.Text())
		}
	}
	var exit *exec.ExitError
	if err := c.Wait(); errors.As(err, &exit) && exit.Exited() && exit.ExitCode() == 1 {
		r.failed = true // some packages do not build; the others may still run
	} else if err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return nil
}

// kernel runs the jobs on one kernel, each share in a guest with one CPU.
func (r *testRun) kernel(ctx context.Context, t tools, k kernel, shares [][]job, s *summary.Summary) error {
	errs := make([]error, len(shares))
	var all sync.WaitGroup
	for i, jobs := range shares {
		b := &bookkeeper{jobs: jobs, note: noteTo(r.env)}
		var failed error
		b.report = func(res result) { failed = errors.Join(failed, r.result(ctx, k, res, s)) }
		all.Go(func() {
			err := runJobs(ctx, t, k, b)
			errs[i] = errors.Join(err, failed)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
