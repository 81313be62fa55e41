package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// job is one test binary to run in a guest.
type job struct {
	Package string   // import path, for the report
	Binary  string   // path on the host; the guest's is binaryPath
	Dir     string   // working directory, the same on both sides
	Args    []string // arguments as go test gives them
	Env     []string // environment beside the guest's own
	Timeout time.Duration
	Verbose bool     // the report shows all output, as go test -v does
	Outputs []output // files to bring back, at the same path on both sides
}

// output is a file that a job is asked to write, or a directory to write to.
type output struct {
	Path string
	Dir  bool
}

// defaultTimeout bounds a test binary that was started without a time-out.
const defaultTimeout = 10 * time.Minute

// newJob describes a test binary that go test -exec started, from the
// arguments and the environment that it gave.
func newJob(argv, environ []string, dir string) job {
	j := job{Binary: argv[0], Dir: dir, Args: argv[1:], Timeout: defaultTimeout}
	if d, err := time.ParseDuration(j.flag("timeout")); err == nil && d > 0 {
		j.Timeout = d
	}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "XDPLOAD_") || name == "GOTRACEBACK" || name == "GOCOVERDIR" {
			j.Env = append(j.Env, kv)
		}
		if name == "GOCOVERDIR" {
			j.Outputs = append(j.Outputs, output{value, true})
		}
	}
	for _, name := range outputFlags {
		if p := j.flag(name); p != "" {
			j.Outputs = append(j.Outputs, output{j.outputPath(p), name == "gocoverdir"})
		}
	}
	return j
}

// outputFlags are the test flags that name a file or directory to write.
var outputFlags = []string{"coverprofile", "gocoverdir", "cpuprofile", "memprofile", "blockprofile", "mutexprofile", "trace"}

// flag is the value of the argument -test.NAME=VALUE, the form in which go
// test passes its flags on.
func (j job) flag(name string) string {
	for _, a := range j.Args {
		if v, ok := strings.CutPrefix(a, "-test."+name+"="); ok {
			return v
		}
	}
	return ""
}

// profile is the path of the coverage profile that the job writes, if any.
func (j job) profile() string {
	if p := j.flag("coverprofile"); p != "" {
		return j.outputPath(p)
	}
	return ""
}

// outputPath resolves a path as the package testing does.
func (j job) outputPath(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	if dir := j.flag("outputdir"); dir != "" {
		return filepath.Join(dir, p)
	}
	return filepath.Join(j.Dir, p)
}

// telling returns the job with its binary made to tell of every test, in the
// form that go tool test2json reads.
func (j job) telling() job {
	v := j.flag("v")
	j.Verbose = v != "" && v != "false"
	args := []string{"-test.v=test2json"}
	for _, a := range j.Args {
		if !strings.HasPrefix(a, "-test.v=") {
			args = append(args, a)
		}
	}
	j.Args = args
	return j
}

// moduleRoot is the nearest directory at or above dir with a go.mod, and the
// module's path; the path is empty outside a module.
func moduleRoot(dir string) (root, module string) {
	for d := dir; ; d = filepath.Dir(d) {
		data, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil {
			for line := range strings.Lines(string(data)) {
				if m, ok := strings.CutPrefix(line, "module "); ok {
					return d, strings.TrimSpace(m)
				}
			}
		}
		if d == filepath.Dir(d) {
			return dir, ""
		}
	}
}

// importPath is the import path of the package in dir.
func importPath(dir string) string {
	root, module := moduleRoot(dir)
	rel, err := filepath.Rel(root, dir)
	if err != nil || module == "" {
		return dir
	}
	return strings.TrimSuffix(module+"/"+filepath.ToSlash(rel), "/.")
}
