package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/xdpload/xdpload/internal/peers"
)

// No run takes longer; one that does is stopped.
const runLimit = 30 * time.Second

// At least so many rounds, whatever they take.
const minRounds = 5

// A lab measures cases, one after the other.
type lab struct {
	options
	ctx      context.Context
	dir      string            // objects, built programs; the commands' working directory
	tools    map[string]string // path by name
	newest   map[string]string // the name among tools of a program's newest release
	absent   map[string]error  // tools that are not there
	progress io.Writer
	filler   *world // whose devices fill the dispatcher
	full     bool   // they do
}

func newLab(ctx context.Context, o options, dir string, progress io.Writer) (*lab, error) {
	l := &lab{
		options: o, ctx: ctx, dir: dir, progress: progress,
		tools: map[string]string{}, newest: map[string]string{}, absent: map[string]error{},
	}
	if err := l.install(o.xdpload, "xdpload"); err != nil {
		return nil, fmt.Errorf("%w: run make build first", err)
	}
	if err := objects(dir); err != nil {
		return nil, err
	}
	for _, name := range []string{"spawn", "hello"} {
		if err := buildGo(ctx, dir, name); err != nil {
			return nil, err
		}
		if err := l.install(filepath.Join(dir, linked), name); err != nil {
			return nil, err
		}
	}
	for name, build := range map[string]func(context.Context, string, string) error{"floor": buildC, "imports": buildImports} {
		err := build(ctx, dir, name)
		if err == nil {
			err = l.install(filepath.Join(dir, linked), name)
		}
		if err != nil {
			l.absent[name] = err
		}
	}
	for _, name := range []string{"ip", "tc", "bpftool", "xdp-loader", "strace", "sh"} {
		path, err := exec.LookPath(name)
		if err != nil {
			l.absent[name] = errors.New("not installed")
			continue
		}
		l.tools[name] = path
	}
	l.addNewest()
	return l, nil
}

// addNewest adds the newest peers beside those of the machine, as "ip 7.3.0".
func (l *lab) addNewest() {
	dir, err := peers.Bin()
	if err != nil {
		l.absent["the newest peers"] = err
		return
	}
	for _, p := range peers.Programs {
		version, err := peers.Version(p.Name)
		if err != nil {
			l.absent["the newest "+p.Name] = err
			continue
		}
		l.newest[p.Name] = p.Name + " " + version
		l.tools[l.newest[p.Name]] = filepath.Join(dir, p.Name)
	}
}

// generations are contestants with the newest releases of their programs, too.
func (l *lab) generations(all []contestant) (both []contestant) {
	for _, who := range all {
		both = append(both, who)
		if newest := l.newest[who.tool()]; newest != "" {
			who.argv = append([]string{newest}, who.argv[1:]...)
			both = append(both, who)
		}
	}
	return both
}

// install copies a program to the lab, as install(1) would. What a linker has
// just written lies in the page cache in small pieces, which slows down a start
// by up to a fifth.
func (l *lab) install(from, name string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	l.tools[name] = filepath.Join(l.dir, name)
	return os.WriteFile(l.tools[name], b, 0o755)
}

// measure runs the cases that were asked for. A case that cannot run is told
// in the report.
func (l *lab) measure(all []testCase) *report {
	r := newReport(l.absent)
	for _, c := range all {
		if !l.only.MatchString(c.name) {
			continue
		}
		start := time.Now()
		if err := l.measureApart(r, c); err != nil {
			r.leaveOut(c.name, err)
		}
		_, _ = fmt.Fprintf(l.progress, "%s %.1fs\n", c.name, time.Since(start).Seconds())
	}
	return r
}

// measureApart measures a case in a network namespace of its own.
func (l *lab) measureApart(r *report, c testCase) error {
	prepare := l.stir
	if c.calm {
		prepare = l.calm
	}
	if err := prepare(); err != nil {
		return err
	}
	return inNetNS(func() error {
		w, err := newWorld(l.dir)
		if err != nil {
			return err
		}
		defer w.close()
		return l.measureCase(r, c, w)
	})
}

// calm fills the kernel's XDP dispatcher, and later the slots that other
// programs of the machine have left.
func (l *lab) calm() (err error) {
	if l.full {
		return fillDispatcher(l.filler, dispatcherSlots/6)
	}
	if l.filler == nil {
		if l.filler, err = newWorld(l.dir); err != nil {
			return err
		}
	}
	l.full = true
	return fillDispatcher(l.filler, dispatcherSlots)
}

// stir gives the slots back that calm has taken.
func (l *lab) stir() error {
	if !l.full {
		return nil
	}
	l.full = false
	return detachAll(l.filler)
}

func (l *lab) measureCase(r *report, c testCase, w *world) error {
	if c.setup != nil {
		if err := c.setup(w); err != nil {
			return err
		}
	}
	defer unpin(w) //nolint:errcheck // the next case's resets will tell
	var able []contestant
	for _, who := range l.generations(c.contestants) {
		if l.tools[who.tool()] == "" {
			continue // told once, at the end
		}
		if _, err := l.once(w, who); err != nil {
			r.leaveOut(c.name+": "+who.tool(), err)
			continue
		}
		able = append(able, who)
	}
	if !slices.ContainsFunc(able, func(c contestant) bool { return c.tool() == "xdpload" }) {
		return errors.New("xdpload does not do it")
	}
	samples, err := l.rounds(w, able, cmp.Or(c.rounds, minRounds))
	if err != nil {
		return err
	}
	result := newResult(c, able, samples)
	if c.calls && l.tools["strace"] != "" {
		for i, who := range able {
			if result.Contestants[i].Calls, err = l.calls(w, who); err != nil {
				return err
			}
		}
	}
	r.Cases = append(r.Cases, result)
	return nil
}

// rounds runs the contestants in turn and returns the samples of each. The order
// changes from round to round, since what ran before is felt.
func (l *lab) rounds(w *world, able []contestant, least int) ([][]sample, error) {
	samples := make([][]sample, len(able))
	order := rand.New(rand.NewPCG(0, 0))
	start := time.Now()
	for n := 0; n < l.options.rounds && (n < least || time.Since(start) < l.budget); n++ {
		for _, i := range order.Perm(len(able)) {
			s, err := l.once(w, able[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", able[i].tool(), err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	return samples, nil
}

// once resets and runs a contestant.
func (l *lab) once(w *world, who contestant) (sample, error) {
	if who.reset != nil {
		if err := who.reset(w); err != nil {
			return sample{}, err
		}
	}
	numbers, err := l.spawn(who.stdin, l.argv(who)...)
	if err != nil {
		return sample{}, err
	}
	return sample{
		wall:   numbers.wall.Seconds(),
		cpu:    (numbers.user + numbers.system).Seconds(),
		memory: float64(numbers.memory),
		faults: float64(numbers.faults),
	}, numbers.expect(who.status)
}

func (l *lab) argv(who contestant) []string {
	return append([]string{l.tools[who.tool()]}, who.argv[1:]...)
}

// cost is the report of spawn.
type cost struct {
	wall, user, system time.Duration
	memory, faults     int64
	status             int
	said               string // on standard error
}

func (c *cost) expect(status int) error {
	if c.status == status {
		return nil
	}
	first, _, _ := bytes.Cut([]byte(c.said), []byte("\n"))
	return fmt.Errorf("status %d: %s", c.status, first)
}

// spawn runs a command through the program of that name, with a file on its
// standard input if one is named.
func (l *lab) spawn(stdin string, argv ...string) (*cost, error) {
	ctx, cancel := context.WithTimeout(l.ctx, runLimit)
	defer cancel()
	said, err := os.Create(filepath.Join(l.dir, "stderr")) // a pipe would want a reader while the clock runs
	if err != nil {
		return nil, err
	}
	defer said.Close()
	numbers, err := os.Create(filepath.Join(l.dir, "numbers"))
	if err != nil {
		return nil, err
	}
	defer numbers.Close()
	cmd := exec.CommandContext(ctx, l.tools["spawn"], argv...)
	cmd.Dir, cmd.Stderr, cmd.ExtraFiles = l.dir, said, []*os.File{numbers}
	if stdin != "" {
		in, err := os.Open(filepath.Join(l.dir, stdin))
		if err != nil {
			return nil, err
		}
		defer in.Close()
		cmd.Stdin = in
	}
	runErr := cmd.Run()
	message, err := os.ReadFile(said.Name())
	if runErr != nil || err != nil {
		return nil, errors.Join(ctx.Err(), runErr, err, errors.New(string(message)))
	}
	line, err := os.ReadFile(numbers.Name())
	if err != nil {
		return nil, err
	}
	c := &cost{said: string(message)}
	_, err = fmt.Sscan(string(line), &c.wall, &c.user, &c.system, &c.memory, &c.faults, &c.status)
	return c, err
}
