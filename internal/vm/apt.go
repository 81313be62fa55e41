package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// apt fetches Debian packages, from the sources that the machine is configured
// with or from other suites. Package lists and downloads stay in a directory of
// its own: it needs no root, and the machine's apt and dpkg stay as they were.
type apt struct {
	dir     string
	updated bool
}

// aptConfig makes apt leave the machine alone: no hooks of the machine's
// configuration, no lock, no other user, only directories below %[1]s.
const aptConfig = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Dir::State "%[1]s";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "%[1]s";
APT::Sandbox::User "";
Debug::NoLocking "true";
Acquire::Retries "3";
`

func openAPT(dir string) (*apt, error) {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("packages are fetched with apt, but: %w", err)
		}
	}
	for _, d := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	a := &apt{dir: dir}
	return a, os.WriteFile(a.config(), fmt.Appendf(nil, aptConfig, dir), 0o644)
}

func (a *apt) config() string { return filepath.Join(a.dir, "apt.conf") }

// openSuites opens apt with suites of the Debian mirror that from has among its
// sources, and nothing else. Keys are those that the machine trusts.
func openSuites(ctx context.Context, from *apt, dir string, suites []string) (*apt, error) {
	out, err := from.run(ctx, from.dir, "apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)", "Created-By: Packages")
	if err != nil {
		return nil, err
	}
	mirror := debianMirror(out)
	if mirror == "" {
		return nil, errors.New("no source of apt is a Debian release, whose mirror may have " + strings.Join(suites, ", "))
	}
	a, err := openAPT(dir)
	if err != nil {
		return nil, err
	}
	var list strings.Builder
	for _, suite := range suites {
		fmt.Fprintf(&list, "deb %s %s main\n", mirror, suite)
	}
	if err := os.WriteFile(filepath.Join(dir, "sources.list"), []byte(list.String()), 0o644); err != nil {
		return nil, err
	}
	config := fmt.Appendf(nil, aptConfig+suitesConfig, dir)
	return a, os.WriteFile(a.config(), config, 0o644)
}

// debianMirror is the first address of a Debian release among "LABEL|URI" lines.
func debianMirror(targets string) string {
	for line := range strings.Lines(targets) {
		if uri, ok := strings.CutPrefix(line, "Debian|"); ok {
			return strings.TrimSpace(uri)
		}
	}
	return ""
}

// suitesConfig makes a list below %[1]s the only sources.
const suitesConfig = `Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "-";
`

// run runs one of apt's commands in a directory and returns what it printed.
func (a *apt) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, append([]string{"-c", a.config()}, args...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	return outputOf(c)
}

// outputOf runs a command; its error holds what the command said.
func outputOf(c *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		err = fmt.Errorf("%s: %w: %s", filepath.Base(c.Path), err, said)
	}
	return string(out), err
}

// update fetches the package lists, once.
func (a *apt) update(ctx context.Context) error {
	if a.updated {
		return nil
	}
	_, err := a.run(ctx, a.dir, "apt-get", "-q", "update")
	a.updated = err == nil
	return err
}

// available lists the versions of packages that can be downloaded.
func (a *apt) available(ctx context.Context, names ...string) ([]version, error) {
	if len(names) == 0 {
		return nil, nil
	}
	out, err := a.run(ctx, a.dir, "apt-cache", append([]string{"madison"}, names...)...)
	if err != nil {
		return nil, err
	}
	var all []version
	for line := range strings.Lines(out) {
		f := strings.Split(line, "|") // package | version | source
		if len(f) == 3 && !strings.Contains(f[2], " Sources") {
			all = append(all, version{strings.TrimSpace(f[0]), strings.TrimSpace(f[1])})
		}
	}
	return all, nil
}

// names lists the packages whose name begins with prefix.
func (a *apt) names(ctx context.Context, prefix string) ([]string, error) {
	out, err := a.run(ctx, a.dir, "apt-cache", "pkgnames", prefix)
	return strings.Fields(out), err
}

// withDependencies are packages and all that these depend on, whether or not the
// machine has it.
func (a *apt) withDependencies(ctx context.Context, packages ...string) ([]string, error) {
	args := []string{"depends", "--recurse", "--important", "--no-conflicts", "--no-breaks", "--no-replaces"}
	out, err := a.run(ctx, a.dir, "apt-cache", append(args, packages...)...)
	var all []string
	for line := range strings.Lines(out) {
		if name := strings.TrimSpace(line); line[0] != ' ' && line[0] != '<' { // a virtual package
			all = append(all, name)
		}
	}
	return all, err
}

// version is one version of a package.
type version struct{ name, version string }

// newest is the package with the highest version, in dpkg's order.
func newest(ctx context.Context, all []version) version {
	var best version
	for _, v := range all {
		if best.name == "" || exec.CommandContext(ctx, "dpkg", "--compare-versions", v.version, "gt", best.version).Run() == nil {
			best = v
		}
	}
	return best
}

// unpack downloads packages, each "name" or "name=version", and unpacks them
// into dir. Nothing is installed and no script of a package runs.
func (a *apt) unpack(ctx context.Context, dir string, packages ...string) error {
	return a.unpackWith(ctx, dir, append([]string{"-q", "download"}, packages...))
}

// unpackMissing does the same with packages and those of their dependencies
// that the machine does not have.
func (a *apt) unpackMissing(ctx context.Context, dir string, packages ...string) error {
	args := []string{"-q", "-y", "--download-only", "--no-install-recommends", "-o", "Dir::Cache::archives=."}
	return a.unpackWith(ctx, dir, append(append(args, "install"), packages...))
}

func (a *apt) unpackWith(ctx context.Context, dir string, args []string) error {
	debs, err := os.MkdirTemp(a.dir, "debs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(debs)
	if err := os.Mkdir(filepath.Join(debs, "partial"), 0o755); err != nil {
		return err
	}
	for i, a0 := range args {
		args[i] = strings.Replace(a0, "archives=.", "archives="+debs, 1)
	}
	if _, err := a.run(ctx, debs, "apt-get", args...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("apt-get downloaded no package")
	}
	for _, f := range files {
		if _, err := outputOf(exec.CommandContext(ctx, "dpkg-deb", "-x", f, dir)); err != nil {
			return err
		}
	}
	return nil
}
